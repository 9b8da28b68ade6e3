/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/xml.h"

#include <stdio.h>

static err_t parse_only(slice text, struct arena *a)
{
    const struct xml *root;
    return xml_parse(text, a, &root);
}

TEST(namespaces_are_dropped_and_blanks_in_text_are_kept)
{
    SCRATCH(a);
    const struct xml *root;
    EXPECT_OK(xml_parse(S("<?xml version=\"1.0\"?>\n<!-- c --><Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
                          " xmlns:x='urn:x'>\n <x:Object a='b'><Key> a&amp;b&#10;&lt;<![CDATA[<é>]]></Key></x:Object>"
                          "<Object/><Quiet>true</Quiet></Delete>"),
                        &a, &root));
    EXPECT_SLICE(root->name, S("Delete"));
    EXPECT_SLICE(root->text, S("\n "));
    size_t objects = 0;
    XML_EACH(item, root, "Object")
    objects++;
    EXPECT_EQ(objects, 2);
    EXPECT_SLICE(xml_child_text(xml_child(root, "Object"), "Key"), S(" a&b\n<<é>"));
    EXPECT_SLICE(xml_child_text(root, "Quiet"), S("true"));
    EXPECT(!xml_child_text(root, "None").p && !xml_child_text(NULL, "None").p && !xml_child(NULL, "x"));
    EXPECT(xml_child_text(root, "Object").p && xml_child_text(root, "Object").n == 0);
}

TEST(text_around_children_is_joined)
{
    SCRATCH(a);
    const struct xml *root;
    EXPECT_OK(xml_parse(S("<r>a<c>inner</c>b</r>"), &a, &root));
    EXPECT_SLICE(root->text, S("ab"));
    EXPECT_SLICE(root->first->text, S("inner"));
}

TEST(malformed_xml_is_refused)
{
    SCRATCH(a);
    const slice bad[] = { S(""),
                          S(" "),
                          S("text"),
                          S("<a>"),
                          S("<a></b>"),
                          S("<a/><b/>"),
                          S("<a>\0</a>"),
                          S("<a>&#0;</a>"),
                          S("<a>&#1;</a>"),
                          S("<a>\xff</a>"),
                          S("<a>\xed\xa0\x80</a>"),
                          S("<a>&nbsp;</a>"),
                          S("<a b=1/>"),
                          S("<a b='1' b='2'/>"),
                          S("\xff\xfe<\0a\0/\0>\0") };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_ERR(parse_only(bad[i], &a), ERR_INVALID);
}

TEST(a_name_that_ended_with_its_prefix_was_empty)
{
    SCRATCH(a);
    const slice bad[] = { S("<a:/>"),   S("<r><T:/></r>"), S("<:a/>"),  S("<:/>"),         S("<a:b:c/>"),
                          S("<a::b/>"), S("<a:1b/>"),      S("<a:-/>"), S("<a:\xcc\x80/>") };
    for (size_t i = 0; i < LENGTH_OF(bad); i++)
        EXPECT_ERR(parse_only(bad[i], &a), ERR_INVALID);
    EXPECT_OK(parse_only(S("<a:b><_:_/><x:Z xmlns:x='y'/><\xc3\xa9/></a:b>"), &a));
}

TEST(billion_laughs_and_other_document_types_are_refused)
{
    SCRATCH(a);
    EXPECT_ERR(parse_only(S("<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><l>&b;</l>"), &a), ERR_INVALID);
    EXPECT_ERR(parse_only(S("<!DOCTYPE l SYSTEM \"file:///etc/passwd\"><l/>"), &a), ERR_INVALID);
    EXPECT_ERR(parse_only(S("<!DOCTYPE l><l/>"), &a), ERR_INVALID);
    EXPECT_ERR(parse_only(S("<?xml version='1.0'?><?php evil?><l/>"), &a), ERR_INVALID);
}

/* The most memory that this process has had, in bytes. */
static size_t peak_memory(void)
{
    size_t kib = 0;
    char line[256];
    FILE *f = fopen("/proc/self/status", "re");
    EXPECT(f);
    while (fgets(line, sizeof line, f) && sscanf(line, "VmHWM: %zu", &kib) != 1)
        ;
    fclose(f);
    EXPECT(kib > 0);
    return kib * 1024;
}

TEST(a_long_namespace_was_copied_for_each_attribute_with_its_prefix)
{
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf text = { 0 };
    size_t before = peak_memory();
    buf_add(&text, S("<r xmlns:p='"));
    for (int i = 0; i < 100000; i++)
        buf_add_byte(&text, 'u');
    buf_add_byte(&text, '\'');
    for (int i = 0; i < 2000; i++)
        buf_printf(&text, " p:a%d=''", i);
    buf_add(&text, S("/>"));
    EXPECT_OK(parse_only(buf_slice(&text), &a));
    EXPECT(peak_memory() - before < (size_t)64 << 20); /* it was 200 MB */
}

TEST(depth_and_number_of_elements_are_limited)
{
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf text = { 0 };
    for (int depth = XML_DEPTH_MAX; depth <= XML_DEPTH_MAX + 1; depth++) {
        buf_clear(&text);
        for (int i = 0; i < depth; i++)
            xml_open(&text, "d");
        for (int i = 0; i < depth; i++)
            xml_close(&text, "d");
        err_t e = parse_only(buf_slice(&text), &a);
        EXPECT(depth == XML_DEPTH_MAX ? e == NULL : err_is(e, ERR_TOO_LARGE));
    }
    for (int count = XML_NODES_MAX; count <= XML_NODES_MAX + 1; count++) {
        buf_clear(&text);
        xml_open(&text, "r");
        for (int i = 1; i < count; i++)
            buf_add(&text, S("<n/>"));
        xml_close(&text, "r");
        err_t e = parse_only(buf_slice(&text), &a);
        EXPECT(count == XML_NODES_MAX ? e == NULL : err_is(e, ERR_TOO_LARGE));
    }
}

TEST(number_of_attributes_is_limited)
{
    for (int count = XML_ATTRIBUTES_MAX; count <= XML_ATTRIBUTES_MAX + 1; count++) {
        SCRATCH(a);
        SCOPED(buf_releasep) struct buf text = { 0 };
        buf_add(&text, S("<r"));
        for (int i = 0; i < count; i++)
            buf_printf(&text, " a%d=''", i);
        buf_add(&text, S("/>"));
        err_t e = parse_only(buf_slice(&text), &a);
        EXPECT(count == XML_ATTRIBUTES_MAX ? e == NULL : err_is(e, ERR_TOO_LARGE));
    }
}

TEST(written_xml_parses_to_the_same_text)
{
    SCRATCH(a);
    SCOPED(buf_releasep) struct buf text = { 0 };
    const struct xml *root;
    xml_begin(&text);
    xml_open_ns(&text, "List", "http://example.org/?a&b");
    xml_text(&text, "Key", S("a<b>&\"c\"'\r\n\té😀"));
    xml_int(&text, "Size", -5);
    xml_bool(&text, "IsTruncated", false);
    xml_close(&text, "List");
    EXPECT_SLICE(buf_slice(&text),
                 S("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<List xmlns=\"http://example.org/?a&amp;b\"><Key>a&lt;b"
                   "&gt;&amp;&quot;c&quot;'&#13;&#10;&#9;é😀</Key><Size>-5</Size><IsTruncated>false</IsTruncated>"
                   "</List>"));
    EXPECT_OK(xml_parse(buf_slice(&text), &a, &root));
    EXPECT_SLICE(xml_child_text(root, "Key"), S("a<b>&\"c\"'\r\n\té😀"));
}

TEST(invalid_bytes_are_replaced_when_written)
{
    SCOPED(buf_releasep) struct buf text = { 0 };
    xml_add(&text, S("a\xff\xc3"));
    EXPECT_SLICE(buf_slice(&text), S("a\xef\xbf\xbd\xef\xbf\xbd"));
    buf_clear(&text);
    xml_add(&text, S("\x01"));
    EXPECT_SLICE(buf_slice(&text), S("&#1;"));
}

RUN_TESTS(cmocka_unit_test(namespaces_are_dropped_and_blanks_in_text_are_kept),
          cmocka_unit_test(text_around_children_is_joined), cmocka_unit_test(malformed_xml_is_refused),
          cmocka_unit_test(billion_laughs_and_other_document_types_are_refused),
          cmocka_unit_test(a_name_that_ended_with_its_prefix_was_empty),
          cmocka_unit_test(a_long_namespace_was_copied_for_each_attribute_with_its_prefix),
          cmocka_unit_test(depth_and_number_of_elements_are_limited), cmocka_unit_test(number_of_attributes_is_limited),
          cmocka_unit_test(written_xml_parses_to_the_same_text),
          cmocka_unit_test(invalid_bytes_are_replaced_when_written))
