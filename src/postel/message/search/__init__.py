"""Text as people search it: decoded, without markup, folded."""
