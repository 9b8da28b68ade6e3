/* SPDX-License-Identifier: Apache-2.0 */
#include "api/redu/mime_types_priv.h"

#include "base/buf.h"

/* Source: docs/apis/redu.md §6.8. Separated by single blanks, like a list of the setting. */
#define OPEN_XML "application/vnd.openxmlformats-officedocument."
static const char vendor_types[] =
    "application/pdf application/postscript text/plain application/msword application/excel text/rtf application/rtf "
    "application/vnd.ms-powerpoint application/vnd.ms-excel application/vnd.sun.xml.writer "
    "application/vnd.sun.xml.impress application/vnd.sun.xml.calc application/vnd.oasis.opendocument.text "
    "application/vnd.oasis.opendocument.spreadsheet application/vnd.oasis.opendocument.presentation " OPEN_XML
    "wordprocessingml.document " OPEN_XML "wordprocessingml.template " OPEN_XML "spreadsheetml.sheet " OPEN_XML
    "spreadsheetml.template " OPEN_XML "presentationml.presentation " OPEN_XML "presentationml.slideshow " OPEN_XML
    "presentationml.template "
    "image/bmp image/x-windows-bmp image/gif image/jpeg image/pjpeg image/png "
    "audio/mpeg audio/mp3 audio/amr audio/basic audio/L24 audio/mp4 audio/ogg audio/vorbis audio/vnd.rn-realaudio "
    "audio/vnd.wave audio/webm "
    "application/x-mp4 application/x-flv application/x-mpegURL flv-application/octet-stream "
    "video/x-flv video/mpeg video/quicktime video/x-la-asf video/x-ms-asf video/x-msvideo video/x-sgi-movie "
    "video/x-ms-wmv video/3gpp video/3gpp2 video/3gpp-tt video/BMPEG video/BT656 video/CelB video/DV video/H261 "
    "video/H263 video/H263-1998 video/H263-2000 video/H264 video/JPEG video/MJ2 video/MP1S video/MP2P video/MP2T "
    "video/mp4 video/MP4V-ES video/MPV video/mpeg4 video/avi video/mpeg4-generic video/nv video/vnd.objectvideo "
    "video/parityfec video/pointer video/raw video/rtx";

static slice list_of(slice setting)
{
    return slice_eq(setting, S("vendor")) ? slice_of(vendor_types) : setting;
}

bool redu_may_upload_type(slice setting, slice type)
{
    slice bare, parameters, rest = list_of(setting), one;
    slice_cut(type, ';', &bare, &parameters);
    bare = slice_trim(bare);
    if (!bare.n || slice_eq(setting, S("any")))
        return true;
    while (rest.n) {
        slice_cut(rest, ' ', &one, &rest);
        if (one.n && slice_eq_nocase(one, bare))
            return true;
    }
    return false;
}

const char *redu_types_text(slice setting, struct arena *a)
{
    struct buf text;
    slice rest = list_of(setting), one;
    buf_init_on(&text, 0, a);
    buf_add(&text, S("is not one of "));
    for (bool first = true; rest.n;) {
        slice_cut(rest, ' ', &one, &rest);
        if (!one.n)
            continue;
        buf_add(&text, first ? S("") : S(", "));
        buf_add(&text, one);
        first = false;
    }
    const char *result = arena_cstr(a, buf_slice(&text));
    buf_release(&text);
    return result;
}
