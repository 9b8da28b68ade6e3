// SPDX-License-Identifier: Apache-2.0
// The description calls its class outside of any function, which takes a newer C# than that of mcs.
public static class Usage
{
    public static void Main(string[] args)
    {
        var uploader = new S3Uploader();
        uploader.UploadFileAsync(args[0], args[1]).Wait();
    }
}
