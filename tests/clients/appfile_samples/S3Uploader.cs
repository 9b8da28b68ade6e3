// SPDX-License-Identifier: Apache-2.0
// Below this line: as the description of the API prints it.
using System;
using System.Net.Http;
using System.Threading.Tasks;
using System.IO;
public class S3Uploader
{
public async Task UploadFileAsync(string signedUrl, string filePath)
{
using (var client = new HttpClient())
{
using (var fileStream = new FileStream(filePath, FileMode.Open, FileAccess.Read))
{
var content = new StreamContent(fileStream);
var response = await client.PutAsync(signedUrl, content);
if (response.IsSuccessStatusCode)
{
Console.WriteLine("File uploaded successfully.");
}
else
{
Console.WriteLine($"Failed to upload. Status: {response.StatusCode}");
}
}
}
}
}
