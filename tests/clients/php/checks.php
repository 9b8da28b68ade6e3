<?php
// SPDX-License-Identifier: Apache-2.0
// The same as node/checks.mjs: runs named checks and reports each in one line of JSON.
error_reporting(E_ALL);
set_error_handler(function ($level, $text, $file, $line) {
    throw new ErrorException($text, 0, $level, $file, $line);
});

$server = json_decode(getenv("CAIS_CHECKS"), false, 16, JSON_THROW_ON_ERROR)->server;

function check(string $name, callable $run): void
{
    $error = null;
    try {
        $run();
    } catch (Throwable $e) {
        $error = (string) $e;
    }
    echo json_encode(["name" => $name, "error" => $error], JSON_INVALID_UTF8_SUBSTITUTE), "\n";
}

function equal($got, $want): void
{
    if ($got !== $want) {
        $show = fn($value) => substr(var_export($value, true), 0, 1000);
        throw new Exception("got {$show($got)}, want {$show($want)}");
    }
}

// Returns [status, body, headers with names in lower case].
function ask(string $url, array $options): array
{
    $headers = [];
    $c = curl_init($url);
    curl_setopt_array($c, $options + [
        CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 60, CURLOPT_CAINFO => getenv("CAIS_CA"),
        CURLOPT_HEADERFUNCTION => function ($_, $line) use (&$headers) {
            if (str_contains($line, ":")) {
                [$name, $value] = explode(":", $line, 2);
                $headers[strtolower($name)] = trim($value);
            }
            return strlen($line);
        },
    ]);
    $body = curl_exec($c);
    if ($body === false) {
        throw new Exception(curl_error($c));
    }
    return [curl_getinfo($c, CURLINFO_RESPONSE_CODE), $body, $headers];
}

function code_of(array $answer): array
{
    preg_match("~<Code>(.*?)</Code>~", $answer[1], $found);
    return [$answer[0], $found[1] ?? ""];
}
