// SPDX-License-Identifier: Apache-2.0

// Calls the AWS SDK for Go 2 as its users do. Each check has a name, runs alone, and is reported in one line of JSON;
// tests/support/checks.py makes a test of each.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const bucket = "newest-go"

var (
	ctx    = context.Background()
	large  = bytes.Repeat([]byte("0123456789abcde"), 12<<20/15)
	client = s3.New(s3.Options{
		BaseEndpoint: aws.String(os.Getenv("CAIS_URL")), Region: "us-east-1", UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY")}, nil
		}),
	})
)

func check(name string, run func()) {
	result := map[string]any{"name": name, "error": nil}
	func() {
		defer func() {
			if failure := recover(); failure != nil {
				result["error"] = fmt.Sprint(failure)
			}
		}()
		run()
	}()
	line, _ := json.Marshal(result)
	fmt.Println(string(line))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func expect(condition bool, said ...any) {
	if !condition {
		panic(fmt.Sprint(said...))
	}
}

func refused[T any](status int) func(T, error) {
	return func(_ T, err error) {
		var response *awshttp.ResponseError
		expect(err != nil, "the call succeeded")
		expect(errors.As(err, &response) && response.HTTPStatusCode() == status, err)
	}
}

func put(key string, body []byte, change ...func(*s3.PutObjectInput)) *s3.PutObjectOutput {
	input := &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), Body: bytes.NewReader(body), Metadata: map[string]string{"who": "ana"}}
	for _, one := range change {
		one(input)
	}
	return must(client.PutObject(ctx, input))
}

func get(key string) ([]byte, *s3.GetObjectOutput) {
	got := must(client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key), ChecksumMode: types.ChecksumModeEnabled}))
	defer got.Body.Close()
	return must(io.ReadAll(got.Body)), got
}

func putAndGet() {
	for key, body := range map[string][]byte{"empty": {}, "small": []byte("hello"), "a b+c/é": large} {
		sent := put(key, body)
		bytesGot, got := get(key)
		expect(bytes.Equal(bytesGot, body) && *got.ETag == *sent.ETag && got.Metadata["who"] == "ana", key)
	}
	for _, algorithm := range types.ChecksumAlgorithm("").Values() {
		put("sum", []byte("hello"), func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = algorithm })
		found, _ := get("sum")
		expect(string(found) == "hello", algorithm)
	}
}

func multipart(algorithm types.ChecksumAlgorithm) {
	key := aws.String("parts " + string(algorithm))
	made := must(client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: key, ChecksumAlgorithm: algorithm}))
	var parts []types.CompletedPart
	for number, from := int32(1), 0; from < len(large); number, from = number+1, from+5<<20 {
		to := from + 5<<20
		if to > len(large) {
			to = len(large)
		}
		sent := must(client.UploadPart(ctx, &s3.UploadPartInput{Bucket: aws.String(bucket), Key: key, UploadId: made.UploadId,
			PartNumber: aws.Int32(number), ChecksumAlgorithm: algorithm, Body: bytes.NewReader(large[from:to])}))
		parts = append(parts, types.CompletedPart{PartNumber: aws.Int32(number), ETag: sent.ETag, ChecksumSHA256: sent.ChecksumSHA256})
	}
	listed := must(client.ListParts(ctx, &s3.ListPartsInput{Bucket: aws.String(bucket), Key: key, UploadId: made.UploadId}))
	expect(len(listed.Parts) == len(parts), len(listed.Parts))
	must(client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: aws.String(bucket), Key: key, UploadId: made.UploadId,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}))
	found, _ := get(*key)
	expect(bytes.Equal(found, large), "bytes")
	left := must(client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: key}))
	must(client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String(bucket), Key: key, UploadId: left.UploadId}))
}

func lists() {
	own := aws.String(bucket + "-list")
	must(client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: own}))
	var ids []types.ObjectIdentifier
	for i := 0; i < 20; i++ {
		key := aws.String(fmt.Sprintf("folder/%02d", i))
		ids = append(ids, types.ObjectIdentifier{Key: key})
		must(client.PutObject(ctx, &s3.PutObjectInput{Bucket: own, Key: key, Body: bytes.NewReader([]byte("x"))}))
	}
	count := 0
	for pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: own, MaxKeys: aws.Int32(7)}); pages.HasMorePages(); {
		for _, object := range must(pages.NextPage(ctx)).Contents {
			expect(*object.Key == *ids[count].Key, *object.Key)
			count++
		}
	}
	expect(count == len(ids), count)
	gone := must(client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: own, Delete: &types.Delete{Objects: ids}}))
	expect(len(gone.Deleted) == len(ids) && len(gone.Errors) == 0, gone.Errors)
	must(client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: own}))
}

func copies() {
	put("from + b", []byte("hello"))
	must(client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("to"),
		CopySource: aws.String(url.QueryEscape(bucket + "/from + b"))}))
	found, got := get("to")
	expect(string(found) == "hello" && got.Metadata["who"] == "ana", string(found))
	must(client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("to")}))
	refused[*s3.GetObjectOutput](404)(client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("to")}))
}

func conditions() {
	etag := put("c", []byte("hello")).ETag
	_, got := get("c")
	later := aws.Time(got.LastModified.Add(time.Hour))
	ask := func(change func(*s3.GetObjectInput)) (*s3.GetObjectOutput, error) {
		input := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("c"), ChecksumMode: types.ChecksumModeEnabled}
		change(input)
		return client.GetObject(ctx, input)
	}
	refused[*s3.GetObjectOutput](304)(ask(func(in *s3.GetObjectInput) { in.IfNoneMatch = etag }))
	refused[*s3.GetObjectOutput](304)(ask(func(in *s3.GetObjectInput) { in.IfModifiedSince = later }))
	refused[*s3.GetObjectOutput](412)(ask(func(in *s3.GetObjectInput) { in.IfMatch = aws.String("\"x\"") }))
	must(ask(func(in *s3.GetObjectInput) { in.IfMatch = etag })).Body.Close()
	refused[*s3.PutObjectOutput](412)(client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("c"),
		IfNoneMatch: aws.String("*"), Body: bytes.NewReader([]byte("x"))}))
	found, _ := get("c")
	expect(string(found) == "hello", string(found))
}

func links() {
	put("link +é", []byte("hello"))
	link := must(s3.NewPresignClient(client).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("link +é")}))
	got := must(http.Get(link.URL))
	defer got.Body.Close()
	expect(got.StatusCode == 200 && string(must(io.ReadAll(got.Body))) == "hello", got.Status)
}

func main() {
	must(client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}))
	check("objects are put and read with every checksum", putAndGet)
	check("an upload in parts with a checksum algorithm", func() { multipart(types.ChecksumAlgorithmSha256) })
	check("an upload in parts without one", func() { multipart("") })
	check("lists, and deletes of many", lists)
	check("copies and deletes", copies)
	check("conditional reads and writes", conditions)
	check("links", links)
}
