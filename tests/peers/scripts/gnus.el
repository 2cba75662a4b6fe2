;;; gnus.el --- Gnus of Emacs, in batch, does the job of test_imap_with_scripts.py  -*- lexical-binding: t -*-
;; Environment: PORT, ACCOUNT, PASSWORD, SSL_CERT_FILE; it keeps things in the folder where it is run.
(require 'seq)
(let ((folder default-directory))
  (setq gnus-home-directory folder gnus-directory folder message-directory folder nnfolder-directory folder
        gnus-startup-file (concat folder "newsrc") gnus-init-file nil gnus-site-init-file nil
        auth-sources (list (concat folder "authinfo")))
  (with-temp-file (concat folder "authinfo")
    (insert (format "machine postel login %s password %S port %s\n"
                    (getenv "ACCOUNT") (getenv "PASSWORD") (getenv "PORT")))))
(require 'gnus)
(require 'gnus-sum)
(require 'gnus-search)
(require 'nnimap)
(setq gnutls-trustfiles (list (getenv "SSL_CERT_FILE"))
      gnutls-verify-error t
      gnus-search-use-parsed-queries t
      gnus-interactive-exit nil gnus-novice-user nil gnus-expert-user t gnus-large-newsgroup nil
      gnus-read-active-file t gnus-save-newsrc-file nil gnus-use-cache nil gnus-agent nil
      gnus-select-method `(nnimap "postel" (nnimap-address "localhost") (nnimap-stream tls)
                                  (nnimap-server-port ,(string-to-number (getenv "PORT")))
                                  (nnimap-user ,(getenv "ACCOUNT"))))

(defun tell (key format &rest values)
  (princ (format "%s: %s\n" key (apply #'format format values))))

(defun number-of (subject)
  "The article of the summary with this subject."
  (mail-header-number
   (gnus-data-header (seq-find (lambda (one) (equal (mail-header-subject (gnus-data-header one)) subject))
                               gnus-newsgroup-data))))

(defun enter (group)
  (set-buffer gnus-group-buffer)
  (gnus-group-read-group t t group)
  (set-buffer gnus-summary-buffer))

(defun upload (group subject)
  "Put a new letter there, and give where it is."
  (with-temp-buffer
    (insert (format "Subject: %s\n\nabout %s\n" subject subject))
    (gnus-request-accept-article group gnus-select-method t)))

(defun subjects ()
  (mapconcat (lambda (one) (mail-header-subject (gnus-data-header one))) gnus-newsgroup-data " "))

(gnus)
(gnus-group-make-group "Kept" "nnimap:postel")
(gnus-request-set-mark "Kept" `(((,(cdr (upload "Kept" "written"))) add (read))))
(enter "INBOX")
(tell "subject" "%s" (subjects))
(gnus-summary-select-article nil t nil (number-of "three"))
(with-current-buffer gnus-original-article-buffer
  (goto-char (point-min))
  (search-forward "\n\n")
  (tell "text" "%s" (string-trim (buffer-substring (point) (point-max)))))
(gnus-summary-tick-article (number-of "two"))
(gnus-summary-goto-subject (number-of "two"))
(gnus-summary-copy-article nil "Kept")
(gnus-summary-goto-subject (number-of "one"))
(gnus-summary-delete-article)
(gnus-summary-exit)

;; The next visit: marks are kept by the server.
(upload "INBOX" "news")
(set-buffer gnus-group-buffer)
(gnus-group-get-new-news)
(tell "unread" "%d" (gnus-group-unread "INBOX"))
(enter "INBOX")
(tell "ticked" "%s" (equal gnus-newsgroup-marked (list (number-of "two"))))
(gnus-summary-goto-subject (number-of "news"))
(gnus-summary-move-article nil "Trash")
(gnus-summary-exit)
(enter "INBOX")
(tell "left" "%d" (length gnus-newsgroup-data))
(let ((found (gnus-search-run-query '((search-query-spec (query . "subject:two or body:written"))
                                      (search-group-spec ("nnimap:postel" "INBOX" "Kept"))))))
  (tell "found" "%s" (sort (mapcar (lambda (one) (aref one 0)) found) #'string<)))
(kill-emacs 0)
