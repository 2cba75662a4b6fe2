// Jakarta Mail (JavaMail) does the job of test_imap_with_scripts.py.
// Arguments: port, authority, user, password.

import com.sun.mail.imap.IMAPFolder;
import com.sun.mail.imap.IMAPStore;
import com.sun.mail.imap.ResyncData;
import com.sun.mail.imap.SortTerm;
import jakarta.mail.FetchProfile;
import jakarta.mail.Flags;
import jakarta.mail.Folder;
import jakarta.mail.Message;
import jakarta.mail.Session;
import jakarta.mail.UIDFolder;
import jakarta.mail.event.MailEvent;
import jakarta.mail.event.MessageCountAdapter;
import jakarta.mail.event.MessageCountEvent;
import jakarta.mail.internet.MimeMessage;
import jakarta.mail.search.AndTerm;
import jakarta.mail.search.BodyTerm;
import jakarta.mail.search.FlagTerm;
import jakarta.mail.search.SearchTerm;
import jakarta.mail.search.SubjectTerm;
import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class JakartaMail {
    static Session session;

    public static void main(String[] arguments) throws Exception {
        session = Session.getInstance(properties(arguments[0], arguments[1]));
        try (IMAPStore store = opened(arguments); IMAPStore other = opened(arguments)) {
            store.id(Map.of("name", "Jakarta Mail"));
            work(store, arguments[2]);
            listen(store, other);
        }
    }

    static IMAPStore opened(String[] arguments) throws Exception {
        IMAPStore store = (IMAPStore) session.getStore("imaps");
        store.connect("localhost", arguments[2], arguments[3]);
        return store;
    }

    static void work(IMAPStore store, String user) throws Exception {
        IMAPFolder kept = (IMAPFolder) store.getFolder("Kept");
        kept.create(Folder.HOLDS_MESSAGES | Folder.HOLDS_FOLDERS);
        kept.setSubscribed(true);
        MimeMessage written = letter("written");
        written.setFlag(Flags.Flag.SEEN, true);
        kept.appendUIDMessages(new Message[] {written});
        IMAPFolder inbox = (IMAPFolder) store.getFolder("INBOX");
        inbox.open(Folder.READ_WRITE);
        Message[] all = inbox.getMessages();
        FetchProfile profile = new FetchProfile();
        profile.add(FetchProfile.Item.ENVELOPE);
        profile.add(FetchProfile.Item.CONTENT_INFO);
        profile.add(FetchProfile.Item.FLAGS);
        profile.add(FetchProfile.Item.SIZE);
        profile.add(UIDFolder.FetchProfileItem.UID);
        inbox.fetch(all, profile);
        for (Message one : all) System.out.println("subject: " + one.getSubject());
        Message three = named(inbox, "three");
        System.out.println("text: " + ((String) three.getContent()).strip());
        System.out.println("type: " + three.getContentType().toLowerCase().replaceAll(";.*", ""));
        named(inbox, "two").setFlag(Flags.Flag.FLAGGED, true);
        inbox.copyUIDMessages(new Message[] {named(inbox, "two")}, kept);
        named(inbox, "one").setFlag(Flags.Flag.DELETED, true);
        inbox.expunge();
        System.out.println("left: " + inbox.getMessageCount());
        SortTerm[] backwards = {SortTerm.REVERSE, SortTerm.SUBJECT};
        for (Message one : inbox.getSortedMessages(backwards)) System.out.println("sorted: " + one.getSubject());
        for (Folder one : store.getDefaultFolder().list("*"))
            if (Arrays.asList(((IMAPFolder) one).getAttributes()).contains("\\Trash"))
                System.out.println("special: " + one.getFullName());
        System.out.println("delimiter: " + store.getPersonalNamespaces()[0].getSeparator());
        System.out.println("rights: " + inbox.getACL()[0].getName().equals(user));
        inbox.appendMessages(new Message[] {letter("news")});
        IMAPFolder trash = (IMAPFolder) store.getFolder("Trash");
        inbox.moveUIDMessages(new Message[] {named(inbox, "news")}, trash);
        System.out.println("moved: " + trash.getMessageCount());
        inbox.close(false);
    }

    /** What another session does is heard by IDLE, and by QRESYNC when it was done meanwhile. */
    static void listen(IMAPStore store, IMAPStore other) throws Exception {
        IMAPFolder inbox = (IMAPFolder) store.getFolder("INBOX");
        inbox.open(Folder.READ_WRITE, ResyncData.CONDSTORE);
        CompletableFuture<String> heard = new CompletableFuture<>();
        inbox.addMessageCountListener(new MessageCountAdapter() {
            @Override
            public void messagesAdded(MessageCountEvent event) {
                heard.complete(String.valueOf(event.getMessages().length));
            }
        });
        IMAPFolder theirs = (IMAPFolder) other.getFolder("INBOX");
        theirs.open(Folder.READ_WRITE);
        theirs.appendMessages(new Message[] {letter("news")});
        while (!heard.isDone()) inbox.idle(true);
        System.out.println("heard: " + heard.get());
        ResyncData known = new ResyncData(inbox.getUIDValidity(), inbox.getHighestModSeq());
        inbox.close(false);
        named(theirs, "three").setFlag(Flags.Flag.ANSWERED, true);
        named(theirs, "news").setFlag(Flags.Flag.DELETED, true);
        theirs.expunge();
        for (MailEvent event : inbox.open(Folder.READ_WRITE, known))
            System.out.println("meanwhile: " + event.getClass().getSimpleName());
        System.out.println("answered: " + named(inbox, "three").isSet(Flags.Flag.ANSWERED));
    }

    static Message named(IMAPFolder folder, String subject) throws Exception {
        FlagTerm alive = new FlagTerm(new Flags(Flags.Flag.DELETED), false);
        Message[] found = folder.search(
            new AndTerm(new SearchTerm[] {alive, new SubjectTerm(subject), new BodyTerm("about " + subject)}));
        return found[0];
    }

    static MimeMessage letter(String subject) throws Exception {
        String text = "Subject: " + subject + "\r\n\r\nabout " + subject + "\r\n";
        return new MimeMessage(session, new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII)));
    }

    static Properties properties(String port, String authority) throws Exception {
        KeyStore believed = KeyStore.getInstance(KeyStore.getDefaultType());
        believed.load(null);
        try (FileInputStream file = new FileInputStream(authority)) {
            believed.setCertificateEntry("own", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(believed);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        Properties properties = new Properties();
        properties.put("mail.imaps.ssl.socketFactory", context.getSocketFactory());
        properties.put("mail.imaps.ssl.checkserveridentity", "true");
        properties.put("mail.imaps.port", port);
        properties.put("mail.imaps.timeout", "60000");
        properties.put("mail.imaps.compress.enable", "true");
        return properties;
    }
}
