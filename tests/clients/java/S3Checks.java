// SPDX-License-Identifier: Apache-2.0
// Calls the newest AWS SDK for Java 2 as its users do, with the defaults of its version. Each check has a name, runs alone, and is
// reported in one line of JSON; tests/support/checks.py makes a test of each.
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.ResponseBytes;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.*;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;

public class S3Checks {
    interface Run {
        void run() throws Exception;
    }

    static final int MIB = 1 << 20;
    static final URI SERVER = URI.create(System.getenv("CAIS_URL"));
    static final String BUCKET = "newest-java";
    static final S3Client S3 = S3Client.builder().endpointOverride(SERVER).region(Region.US_EAST_1).forcePathStyle(true)
            .httpClient(UrlConnectionHttpClient.create()).overrideConfiguration(c -> c.retryStrategy(r -> r.maxAttempts(1))).build();
    static final byte[] LARGE = new byte[12 * MIB + 5];

    static void check(String name, Run run) {
        String error = "null";
        try {
            run.run();
        } catch (Throwable e) {
            StringWriter text = new StringWriter();
            e.printStackTrace(new PrintWriter(text));
            error = quoted(text.toString());
        }
        System.out.println("{\"name\":" + quoted(name) + ",\"error\":" + error + "}");
    }

    static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray())
            out.append(c == '"' || c == '\\' ? "\\" + c : c < ' ' ? String.format("\\u%04x", (int) c) : String.valueOf(c));
        return out.append('"').toString();
    }

    static void expect(boolean condition, Object said) {
        if (!condition)
            throw new AssertionError(String.valueOf(said));
    }

    static void refused(String code, int status, Run run) throws Exception {
        try {
            run.run();
        } catch (AwsServiceException e) {
            expect(e.statusCode() == status && (code == null || code.equals(e.awsErrorDetails().errorCode())), e);
            return;
        }
        throw new AssertionError("expected " + code + ", but the call succeeded");
    }

    static PutObjectResponse put(String key, byte[] body) {
        return S3.putObject(r -> r.bucket(BUCKET).key(key).metadata(Map.of("who", "ana")), RequestBody.fromBytes(body));
    }

    static ResponseBytes<GetObjectResponse> get(String key) {
        return S3.getObjectAsBytes(r -> r.bucket(BUCKET).key(key));
    }

    static void putAndGet() {
        for (String key : List.of("empty", "small", "a b+c/é")) {
            byte[] body = key.equals("empty") ? new byte[0] : key.equals("small") ? "hello".getBytes() : LARGE;
            PutObjectResponse sent = put(key, body);
            ResponseBytes<GetObjectResponse> got = get(key);
            expect(Arrays.equals(got.asByteArray(), body), key);
            expect(got.response().eTag().equals(sent.eTag()) && got.response().metadata().get("who").equals("ana"), got);
            expect(sent.checksumCRC32() != null, sent);
        }
        expect(S3.getObjectAsBytes(r -> r.bucket(BUCKET).key("small").range("bytes=1-3")).asUtf8String().equals("ell"), "range");
    }

    static void checksums() {
        for (ChecksumAlgorithm algorithm : List.of(ChecksumAlgorithm.CRC32, ChecksumAlgorithm.CRC32_C, ChecksumAlgorithm.SHA1,
                ChecksumAlgorithm.SHA256)) {
            S3.putObject(r -> r.bucket(BUCKET).key("sum").checksumAlgorithm(algorithm), RequestBody.fromString("hello"));
            ResponseBytes<GetObjectResponse> got = S3.getObjectAsBytes(r -> r.bucket(BUCKET).key("sum").checksumMode(ChecksumMode.ENABLED));
            expect(got.asUtf8String().equals("hello"), algorithm);
        }
    }

    static void multipart(boolean withAlgorithm) {
        String key = "parts " + withAlgorithm;
        CreateMultipartUploadResponse made = S3.createMultipartUpload(r -> {
            r.bucket(BUCKET).key(key);
            if (withAlgorithm)
                r.checksumAlgorithm(ChecksumAlgorithm.CRC32);
        });
        List<CompletedPart> parts = new ArrayList<>();
        for (int number = 1; number <= 3; number++) {
            int n = number, from = (n - 1) * 5 * MIB, to = Math.min(n * 5 * MIB, LARGE.length);
            UploadPartResponse sent = S3.uploadPart(r -> {
                r.bucket(BUCKET).key(key).uploadId(made.uploadId()).partNumber(n);
                if (withAlgorithm)
                    r.checksumAlgorithm(ChecksumAlgorithm.CRC32);
            }, RequestBody.fromBytes(Arrays.copyOfRange(LARGE, from, to)));
            parts.add(CompletedPart.builder().partNumber(n).eTag(sent.eTag()).checksumCRC32(sent.checksumCRC32()).build());
        }
        expect(S3.listParts(r -> r.bucket(BUCKET).key(key).uploadId(made.uploadId())).parts().size() == 3, "parts");
        CompleteMultipartUploadResponse done = S3.completeMultipartUpload(
                r -> r.bucket(BUCKET).key(key).uploadId(made.uploadId()).multipartUpload(m -> m.parts(parts)));
        expect(withAlgorithm ? done.checksumCRC32().endsWith("-3") : done.checksumCRC64NVME() != null, done);
        expect(Arrays.equals(get(key).asByteArray(), LARGE), "bytes");
        CreateMultipartUploadResponse left = S3.createMultipartUpload(r -> r.bucket(BUCKET).key("left"));
        S3.abortMultipartUpload(r -> r.bucket(BUCKET).key("left").uploadId(left.uploadId()));
    }

    static void lists() {
        String bucket = BUCKET + "-list";
        S3.createBucket(r -> r.bucket(bucket));
        List<String> names = new ArrayList<>();
        for (int i = 10; i < 30; i++)
            names.add("folder/" + i);
        names.add("other/x y");
        for (String name : names)
            S3.putObject(r -> r.bucket(bucket).key(name), RequestBody.fromString("x"));
        List<String> found = S3.listObjectsV2Paginator(r -> r.bucket(bucket).maxKeys(7)).contents().stream().map(S3Object::key)
                .collect(Collectors.toList());
        expect(found.equals(names), found);
        expect(S3.listObjectsV2(r -> r.bucket(bucket).delimiter("/")).commonPrefixes().size() == 2, "prefixes");
        List<ObjectIdentifier> all = names.stream().map(n -> ObjectIdentifier.builder().key(n).build()).collect(Collectors.toList());
        expect(S3.deleteObjects(r -> r.bucket(bucket).delete(d -> d.objects(all))).deleted().size() == names.size(), "deleted");
        S3.deleteBucket(r -> r.bucket(bucket));
    }

    static void copies() throws Exception {
        put("from + b", "hello".getBytes());
        S3.copyObject(r -> r.sourceBucket(BUCKET).sourceKey("from + b").destinationBucket(BUCKET).destinationKey("to"));
        expect(get("to").asUtf8String().equals("hello") && get("to").response().metadata().get("who").equals("ana"), "copy");
        S3.deleteObject(r -> r.bucket(BUCKET).key("to"));
        refused("NoSuchKey", 404, () -> get("to"));
    }

    static void conditions() throws Exception {
        String etag = put("c", "hello".getBytes()).eTag();
        java.time.Instant later = get("c").response().lastModified().plusSeconds(3600);
        refused(null, 304, () -> S3.getObjectAsBytes(r -> r.bucket(BUCKET).key("c").ifNoneMatch(etag)));
        refused(null, 304, () -> S3.getObjectAsBytes(r -> r.bucket(BUCKET).key("c").ifModifiedSince(later)));
        refused(null, 304, () -> S3.headObject(r -> r.bucket(BUCKET).key("c").ifNoneMatch(etag)));
        refused("PreconditionFailed", 412, () -> S3.getObjectAsBytes(r -> r.bucket(BUCKET).key("c").ifMatch("\"x\"")));
        refused("PreconditionFailed", 412, () -> S3.putObject(r -> r.bucket(BUCKET).key("c").ifNoneMatch("*"), RequestBody.fromString("x")));
        S3.getObjectAsBytes(r -> r.bucket(BUCKET).key("c").ifMatch(etag));
        expect(get("c").asUtf8String().equals("hello"), "kept");
    }

    static void links() throws Exception {
        put("link +é", "hello".getBytes());
        try (S3Presigner signer = S3Presigner.builder().endpointOverride(SERVER).region(Region.US_EAST_1)
                .serviceConfiguration(S3Configuration.builder().pathStyleAccessEnabled(true).build()).build()) {
            java.net.URL url = signer.presignGetObject(
                    r -> r.signatureDuration(Duration.ofMinutes(5)).getObjectRequest(g -> g.bucket(BUCKET).key("link +é"))).url();
            HttpURLConnection connection = (HttpURLConnection) url.openConnection();
            expect(connection.getResponseCode() == 200, connection.getResponseCode());
            expect(new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8).equals("hello"), "link");
        }
    }

    public static void main(String[] arguments) {
        new Random(1).nextBytes(LARGE);
        S3.createBucket(r -> r.bucket(BUCKET));
        check("objects are put and read with checksums", S3Checks::putAndGet);
        check("checksum algorithms", S3Checks::checksums);
        check("an upload in parts with a checksum algorithm", () -> multipart(true));
        check("an upload in parts without one", () -> multipart(false));
        check("lists, and deletes of many", S3Checks::lists);
        check("copies and deletes", S3Checks::copies);
        check("conditional reads and writes", S3Checks::conditions);
        check("links", S3Checks::links);
    }
}
