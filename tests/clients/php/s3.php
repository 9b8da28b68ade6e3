<?php
// SPDX-License-Identifier: Apache-2.0
// PHP with ext-curl: links and forms as web applications use them, and requests that libcurl signs.
require __DIR__ . "/checks.php";

$data = random_bytes(2000000);
$path = getenv("HOME") . "/два слова é.bin";
file_put_contents($path, $data);

foreach (["http" => $server->put, "https" => $server->tls_put] as $way => $link) {
    check("an open file is put through a link over ${way}", function () use ($link, $path, $data, $server) {
        $answer = ask($link, [CURLOPT_PUT => true, CURLOPT_INFILE => fopen($path, "rb"), CURLOPT_INFILESIZE => strlen($data)]);
        equal($answer[0], 200);
        equal($answer[2]["etag"], '"' . md5($data) . '"');
        equal(ask($server->get, [])[1], $data);
    });
}

check("a text is put through a link, with the type that PHP adds", function () use ($server) {
    equal(ask($server->put, [CURLOPT_CUSTOMREQUEST => "PUT", CURLOPT_POSTFIELDS => "some text"])[0], 200);
    $answer = ask($server->get, [CURLOPT_RANGE => "5-"]);
    equal([$answer[0], $answer[1], $answer[2]["content-type"]], [206, "text", "application/x-www-form-urlencoded"]);
});

check("the streams of PHP put and get without curl", function () use ($server) {
    $put = stream_context_create(["http" => ["method" => "PUT", "content" => "streamed", "header" => "Content-Type: text/x"]]);
    file_get_contents($server->put, false, $put);
    equal(file_get_contents($server->get), "streamed");
});

foreach (["v4", "v2"] as $version) {
    $form = $server->forms->$version;
    // With a CURLFile the file name is the whole local path, and above 1 MiB PHP waits for 100 Continue.
    check("a form stores a CURLFile, ${version}", function () use ($form, $path) {
        $fields = (array) $form->fields + ["file" => new CURLFile($path)];
        $answer = ask($form->url, [CURLOPT_POST => true, CURLOPT_POSTFIELDS => $fields]);
        equal($answer[0], 201);
        equal(preg_match("~<Key>in/два слова é.bin</Key>~u", $answer[1]), 1);
    });
    check("a form that its policy does not cover is refused, ${version}", function () use ($form) {
        $send = fn($more) => code_of(ask($form->url, [CURLOPT_POST => true,
            CURLOPT_POSTFIELDS => $more + (array) $form->fields + ["file" => new CURLStringFile("x", "a")]]));
        equal($send(["key" => "out/a"]), [403, "AccessDenied"]);
        equal($send(["x-amz-meta-a" => "b"]), [403, "AccessDenied"]);
        equal($send(["policy" => base64_encode("{}")]), [403, "SignatureDoesNotMatch"]);
    });
}

check("libcurl signs requests", function () use ($server) {
    $sign = [CURLOPT_AWS_SIGV4 => "aws:amz:us-east-1:s3", CURLOPT_USERPWD => "$server->id:$server->secret"];
    $url = "$server->tls_url/$server->bucket/signed%20by%20PHP";
    equal(ask($url, $sign + [CURLOPT_CUSTOMREQUEST => "PUT", CURLOPT_POSTFIELDS => "signed"])[0], 200);
    equal(ask($url, $sign)[1], "signed");
    equal(code_of(ask($url, [CURLOPT_USERPWD => "$server->id:wrong"] + $sign)), [403, "SignatureDoesNotMatch"]);
    equal(ask($url, $sign + [CURLOPT_CUSTOMREQUEST => "DELETE"])[0], 204);
    equal(code_of(ask($url, $sign)), [404, "NoSuchKey"]);
});

check("an altered link is refused", function () use ($server) {
    $altered = preg_replace("/Signature=../", "Signature=00", $server->get);
    equal(code_of(ask($altered, [])), [403, "SignatureDoesNotMatch"]);
});
