<?php
// SPDX-License-Identifier: Apache-2.0
// Puts a file on a new task of Runrun.it, as programs written with ext-curl do it. Usage: upload.php current|older FILE
// Addresses are literals, as in the vendor's examples; the reply of the storage is ignored.
// CONNECT_TO is where all those names are, for curl: "::127.0.0.1:PORT".

const API = "https://runrun.it/api/v1.0";
const CURRENT_STORAGE = "https://gryvnagsfedj.compat.objectstorage.sa-saopaulo-1.oraclecloud.com/runrunit";
const OLDER_STORAGE = "https://s3.amazonaws.com/runrunit";

function send(string $url, array $headers, $body)
{
    $curl = curl_init();
    curl_setopt_array($curl, [
        CURLOPT_URL => $url, CURLOPT_RETURNTRANSFER => true, CURLOPT_ENCODING => "", CURLOPT_TIMEOUT => 60,
        CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_1_1, CURLOPT_CUSTOMREQUEST => "POST", CURLOPT_POSTFIELDS => $body,
        CURLOPT_HTTPHEADER => $headers, CURLOPT_CONNECT_TO => [getenv("CONNECT_TO")],
    ]);
    return curl_exec($curl);
}

[$_, $generation, $path] = $argv;
$headers = ["app-key: " . getenv("APP_KEY"), "user-token: " . getenv("USER_TOKEN"), "content-type: application/json",
            "cache-control: no-cache"];
$task = ["task" => ["title" => "A task with a file", "description" => "made by upload.php",
                    "board_id" => 283180, "project_id" => null]];
$task_id = json_decode(send(API . "/tasks", $headers, json_encode($task)))->id;
$wanted = json_encode(["document" => ["data_file_name" => basename($path), "data_file_size" => filesize($path),
                                      "warning_duplicate" => false]]);
$ticket = json_decode(send(API . "/documents?task_id=$task_id", $headers, $wanted));
$fields = $ticket->fields;
if ($generation === "current") {
    $form = ["key" => $fields->key, "Policy" => $fields->Policy, "X-Amz-Algorithm" => $fields->{"X-Amz-Algorithm"},
             "X-Amz-Credential" => $fields->{"X-Amz-Credential"}, "X-Amz-Date" => $fields->{"X-Amz-Date"},
             "X-Amz-Signature" => $fields->{"X-Amz-Signature"}];
} else {
    $form = ["name" => basename($path), "key" => $fields->key, "acl" => "private", "policy" => $fields->policy,
             "signature" => $fields->signature, "AWSAccessKeyId" => $fields->AWSAccessKeyId,
             "content_type" => $fields->content_type, "filename" => basename($path)];
}
send($generation === "current" ? CURRENT_STORAGE : OLDER_STORAGE, [],
     $form + ["success_action_status" => "201", "file" => new CURLFile(realpath($path))]);
send(API . "/documents/$ticket->id/mark_as_uploaded", $headers, $generation === "current" ? "{}" : $wanted);
