/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/json_scan.h"
#include "core/sync/sync_reader.h"
#include "rounds.h"
#include "sync_text.h"

#define HEAD                                                                                                           \
    "00|CHILDACTION|FAMILY|20261121033000|REF-000017\n"                                                                \
    "01|wks_family|W1|B1|cc-family|SYNC\n"                                                                             \
    "02|id\n"
#define FIELDS HEAD "03|id|name|size:int|homeless:bool|address:object|tags:array|income:number|born:date|kids:list\n"
#define TWO HEAD "03|id|v\n"
/* A file with one field `v` of a type. */
#define OF(type, value) HEAD "03|id|v:" type "\n10|k|" value "\n99|1\n"

static slice describe(struct arena *a, slice bytes, enum sync_form form)
{
    SCOPED(buf_releasep) struct buf said = { 0 };
    sync_add_file(&said, bytes, form, 0);
    return arena_copy(a, buf_slice(&said));
}

static slice lines(struct arena *a, slice bytes)
{
    return describe(a, bytes, SYNC_LINES);
}

static slice json(struct arena *a, slice bytes)
{
    return describe(a, bytes, SYNC_JSON);
}

#define LINES(bytes, want) EXPECT_SLICE(lines(&a, S(bytes)), S(want))
#define JSON(bytes, want) EXPECT_SLICE(json(&a, S(bytes)), S(want))

static slice repeat(struct arena *a, char c, size_t n)
{
    return (slice){ memset(arena_alloc(a, n), c, n), n };
}

static slice join(struct arena *a, slice first, slice second, slice third)
{
    return arena_join(a, (slice[]){ first, second, third }, 3);
}

/* An arena for texts of many megabytes. */
#define LARGE(name)                                                                                                    \
    SCRATCH(name);                                                                                                     \
    arena_set_limit(&name, (size_t)1 << 30, NULL)

/* ---- the whole file */

static const char sample_lines[] =
    FIELDS "10|F-100|Silva#/#Souza|4|0|{\"zip\": \"95814\", \"city\":\"Sacramento\"}|a, b|12.50|20200229|[1,\"x\"]\n"
           "10|F-101|Lee|2|true|||||\n"
           "90|F-099\n"
           "99|3\n";

#define MAPPINGS                                                                                                       \
    "\"FieldMappings\":{\"id\":{\"code\":\"id\",\"name\":\"id\",\"type\":\"string\"},\"name\":{},\"size\":{\"type\":"  \
    "\"int\"},"                                                                                                        \
    "\"homeless\":{\"type\":\"bool\"},\"address\":{\"type\":\"object\"},\"tags\":{\"type\":\"array\"},"                \
    "\"income\":{\"type\":\"number\"},\"born\":{\"type\":\"date\"},\"kids\":{\"type\":\"list\"}}"
#define METADATA                                                                                                       \
    "\"metadata\":{\"keys\":[\"id\"],\"entityType\":\"wks_family\",\"workspaceId\":\"W1\",\"bucketId\":\"B1\","        \
    "\"dataSource\":\"cc-family\",\"fileCreateTime\":\"20261121033000\",\"flowType\":\"SYNC\"}"
#define HEADER "\"header\":{\"customer\":\"CHILDACTION\",\"fileType\":\"FAMILY\"," METADATA "," MAPPINGS "}"

static const char sample_json[] =
    "{" HEADER ",\n\"data\":[\n"
    "{\"id\":\"F-100\",\"name\":\"Silva|Souza\",\"size\":4,\"homeless\":false,\"address\":{\"zip\": \"95814\", "
    "\"city\":\"Sacramento\"},\"tags\":[\"a\",\" b\"],\"income\":12.50,\"born\":\"20200229\",\"kids\":[1, \"x\"]},\n"
    "{\"id\":\"F-101\",\"name\":\"Lee\",\"size\":\"2\",\"homeless\":\"TRUE\",\"address\":null,\"tags\":\"\",\"income\":"
    "null,"
    "\"born\":null,\"kids\":\"\"}\n],\n"
    "\"delete\":[{\"id\":\"F-099\"}],\n\"footer\":{\"total\":3},\"InstanceId\":\"REF-000017\"}\n";

#define SAMPLE_ROWS                                                                                                    \
    "%d.1 "                                                                                                            \
    "+F-100{\"id\":\"F-100\",\"name\":\"Silva|Souza\",\"size\":4,\"homeless\":false,\"address\":{\"zip\":\"95814\","   \
    "\"city\":\"Sacramento\"},\"tags\":[\"a\",\"b\"],\"income\":12.50,\"born\":\"20200229\",\"kids\":[1,\"x\"]};"      \
    "%d.2 "                                                                                                            \
    "+F-101{\"id\":\"F-101\",\"name\":\"Lee\",\"size\":2,\"homeless\":true,\"address\":null,\"tags\":null,\"income\":" \
    "null,"                                                                                                            \
    "\"born\":null,\"kids\":null};%d.3 -F-099;"

TEST(rows_come_in_the_order_of_the_file_with_their_types)
{
    SCRATCH(a);
    EXPECT_SLICE(lines(&a, slice_of(sample_lines)), arena_printf(&a, "fine 2 1;" SAMPLE_ROWS, 5, 6, 7));
}

TEST(the_json_form_says_the_same)
{
    SCRATCH(a);
    EXPECT_SLICE(json(&a, slice_of(sample_json)), arena_printf(&a, "fine 2 1;" SAMPLE_ROWS, 3, 4, 6));
}

static void expect_header(slice bytes, enum sync_form form)
{
    SCRATCH(a);
    struct content content = { .size_bytes = bytes.n, .bytes = bytes };
    SCOPED(sync_check_closep) struct sync_check *c = sync_check_open(&content, form, &a);
    for (bool has_more = true; has_more;)
        EXPECT_OK(sync_check_next(c, &a, &has_more));
    bool has_more = true;
    EXPECT_OK(sync_check_next(c, &a, &has_more)); /* nothing comes after the end */
    EXPECT(!has_more);
    EXPECT_EQ(sync_check_read_bytes(c), bytes.n);
    EXPECT_EQ(sync_check_result(c)->declared_rows, 3);
    const struct sync_header *h = sync_check_result(c)->header;
    EXPECT_SLICE(h->customer, S("CHILDACTION"));
    EXPECT_SLICE(h->file_type, S("FAMILY"));
    EXPECT_SLICE(h->created, S("20261121033000"));
    EXPECT_SLICE(h->reference_id, S("REF-000017"));
    EXPECT_SLICE(h->entity_type, S("wks_family"));
    EXPECT_SLICE(h->workspace, S("W1"));
    EXPECT_SLICE(h->bucket, S("B1"));
    EXPECT_SLICE(h->datasource, S("cc-family"));
    EXPECT_SLICE(h->action, S("SYNC"));
    EXPECT_EQ(h->key_count, 1);
    EXPECT_EQ(h->field_count, 9);
    EXPECT_SLICE(h->fields[8].name, S("kids"));
    EXPECT_EQ(h->fields[8].type, SYNC_LIST);
}

TEST(the_header_is_known_after_the_check)
{
    expect_header(slice_of(sample_lines), SYNC_LINES);
    expect_header(slice_of(sample_json), SYNC_JSON);
}

TEST(lines_end_in_any_way_and_empty_ones_are_skipped)
{
    SCRATCH(a);
    const char *want = "fine 1 0;%d.1 +k{\"id\":\"k\",\"v\":\"x\"};";
    EXPECT_SLICE(lines(&a, S("\xef\xbb\xbf" TWO "10|k|x\n99|1\n")), arena_printf(&a, want, 5));
    EXPECT_SLICE(lines(&a, S("\xef\xbb\xbf\r\n\r\n" TWO "\r\n10|k|x\r\n\r\n99|1\r\n\r\n")), arena_printf(&a, want, 8));
    EXPECT_SLICE(lines(&a, S(TWO "10|k|x\n99|1")), arena_printf(&a, want, 5));
    EXPECT_SLICE(lines(&a, S("00|\r\n01|e|||d\r\n02|id\r\n03|id|v\r\n10|k|x\r\n99|1\r")), arena_printf(&a, want, 5));
}

TEST(a_record_may_end_in_one_more_pipe)
{
    SCRATCH(a);
    LINES("00|a|b|c|d|\n01|e|w|b|d|x|\n02|id|\n03|id|v|\n10|k|x|\n10|l||\n90|k|\n99|3|\n",
          "fine 2 1;5.1 +k{\"id\":\"k\",\"v\":\"x\"};6.2 +l{\"id\":\"l\",\"v\":null};7.3 -k;");
    LINES(TWO "10|k|x||\n90|k||\n99|2|code|more\n", "fine 1 1;5.1 !FieldCount  '' k;6.2 !FieldCount  '' k;");
}

TEST(a_file_without_rows_is_fine)
{
    SCRATCH(a);
    LINES(TWO "99|0\n", "fine 0 0;");
    JSON("{" HEADER "}", "fine 0 0;");
    JSON("{" HEADER ",\"data\":[],\"delete\":[ ],\"footer\":{}}", "fine 0 0;");
    JSON("{" HEADER ",\"data\":null,\"delete\":null,\"footer\":null,\"InstanceId\":null}", "fine 0 0;");
}

/* ---- faults of the file */

TEST(an_empty_file_is_named_so)
{
    SCRATCH(a);
    LINES("", "EmptyFile 0 ;");
    LINES("\xef\xbb\xbf\r\n\n", "EmptyFile 0 ;");
    JSON("", "EmptyFile 0 ;");
    JSON("\xef\xbb\xbf \n", "EmptyFile 0 ;");
}

TEST(the_records_of_the_header_come_once_and_in_order)
{
    SCRATCH(a);
    LINES("10|a\n", "BadHeader 1 10;");
    LINES("xx\n", "BadHeader 1 xx;");
    LINES("x\xc3\xa9\n", "BadHeader 1 x\xc3\xa9;");
    LINES("01|e|||d\n", "BadHeader 1 01;");
    LINES("00|a\n02|id\n", "BadHeader 2 02;");
    LINES("00|a\n01|e|||d\n03|id\n", "BadHeader 3 03;");
    LINES("00|a\n01|e|||d\n02|id\n99|0\n", "BadHeader 4 99;");
    LINES("00|a\n01|e|||d\n02|id\n", "BadHeader 0 ;");
    LINES(TWO "03|id|v\n99|0\n", "BadHeader 5 03;");
    LINES(TWO "00|a\n99|0\n", "BadHeader 5 00;");
}

TEST(the_subject_of_the_file_must_be_named)
{
    SCRATCH(a);
    LINES("00|a\n01||w|b|d\n", "BadHeader 2 ;");
    LINES("00|a\n01|e|w|b||x\n", "BadHeader 2 ;");
    LINES("00|a\n01|e|w|b\n", "BadHeader 2 ;");
    LINES("00|a\n01|e|w|b|d|x|y\n", "BadHeader 2 y;");
    LINES("00|a|b|c|d|e\n", "BadHeader 1 e;");
    LINES("00|a\0b\n", "BadHeader 1 a;"); /* printed up to the NUL */
    LINES("00\n01|e|||d\n02|id\n03|id\n99|0", "fine 0 0;");
    JSON("{}", "BadHeader 0 header;");
    JSON("{\"header\":[]}", "BadHeader 1 header;");
    JSON("{\"header\":1}", "BadHeader 1 header;");
    JSON("{\"header\":{}}", "BadHeader 1 metadata;");
    JSON("{\"header\":{\"metadata\":{}}}", "BadHeader 1 entityType;");
    JSON("{\"header\":{\"metadata\":{\"entityType\":\"e\"}}}", "BadHeader 1 dataSource;");
    JSON("{\"header\":{\"metadata\":{\"entityType\":\"e\",\"dataSource\":\"d\"}}}", "BadHeader 1 keys;");
    JSON("{\"header\":{\"metadata\":{\"entityType\":\"e\",\"dataSource\":\"d\",\"keys\":[\"id\"]}}}",
         "BadHeader 1 FieldMappings;");
    JSON("{\"header\":{\"metadata\":{\"entityType\":[],\"dataSource\":\"d\",\"keys\":[\"id\"]}}}",
         "BadHeader 1 entityType;");
    JSON("{" HEADER "," HEADER "}", "BadHeader 1 header;");
}

TEST(texts_of_the_header_have_a_limit)
{
    SCRATCH(a);
    slice most = repeat(&a, 'x', SYNC_TEXT_MAX), more = repeat(&a, 'x', SYNC_TEXT_MAX + 1);
    slice rest = S("\n01|e|||d\n02|id\n03|id\n99|0");
    EXPECT_SLICE(lines(&a, join(&a, S("00|"), most, rest)), S("fine 0 0;"));
    EXPECT(slice_starts(lines(&a, join(&a, S("00|"), more, rest)), S("BadHeader 1 xxx")));
    rest = S("\"," METADATA "," MAPPINGS "}}");
    EXPECT_SLICE(json(&a, join(&a, S("{\"header\":{\"customer\":\""), most, rest)), S("fine 0 0;"));
    EXPECT_SLICE(json(&a, join(&a, S("{\"header\":{\"customer\":\""), more, rest)), S("BadHeader 1 customer;"));
}

TEST(keys_are_one_to_eight_codes)
{
    SCRATCH(a);
#define KEYS(keys, fields, want) LINES("00|\n01|e|||d\n02" keys "\n03" fields "\n99|0\n", want)
    KEYS("|a|b|c|d|e|f|g|h", "|a|b|c|d|e|f|g|h", "fine 0 0;");
    KEYS("|a|b|c|d|e|f|g|h|i", "|a|b|c|d|e|f|g|h|i", "BadField 3 i;");
    KEYS("", "|a", "BadField 3 ;");
    KEYS("|", "|a", "BadField 3 ;");
    KEYS("|a||b", "|a|b", "BadField 3 ;");
    KEYS("|a|a", "|a|b", "BadField 3 a;");
    KEYS("|a b", "|a", "BadField 3 a b;");
    KEYS("|a|b", "|b|a", "BadField 4 a;");
    KEYS("|a|b", "|a|c|b", "BadField 4 b;");
    KEYS("|a|b", "|a", "BadField 4 b;");
    KEYS("|a", "", "BadField 4 ;");
    KEYS("|a", "|", "BadField 4 ;");
#undef KEYS
}

TEST(fields_have_valid_codes_and_types)
{
    SCRATCH(a);
#define FIELD(field, want) LINES("00|\n01|e|||d\n02|k\n03|k|" field "\n99|0\n", want)
#define NAME16 "a234567890123456"
    FIELD("a", "fine 0 0;");
    FIELD("aZ09-b_c", "fine 0 0;");
    FIELD(" a : int ", "fine 0 0;");
    FIELD(NAME16 NAME16 NAME16 NAME16, "fine 0 0;");
    FIELD(NAME16 NAME16 NAME16 NAME16 "5", "BadField 4 " NAME16 NAME16 NAME16 NAME16 "5;");
    FIELD("caf" NAME16 NAME16 NAME16 "a234567890123\xc3\xa9" NAME16,
          "BadField 4 caf" NAME16 NAME16 NAME16 "a234567890123\xc3\xa9;");
    FIELD("a:", "BadField 4 a:;");
    FIELD("a:text", "BadField 4 a:text;");
    FIELD("a:Int", "BadField 4 a:Int;");
    FIELD("a:int:int", "BadField 4 a:int:int;");
    FIELD("a|a", "BadField 4 a;");
    FIELD("k", "BadField 4 k;");
    FIELD("a||b", "BadField 4 ;");
    FIELD("1a", "BadField 4 1a;");
    FIELD("_a", "BadField 4 _a;");
    FIELD("a_", "BadField 4 a_;");
    FIELD("a--b", "BadField 4 a--b;");
    FIELD("a.b", "BadField 4 a.b;");
    FIELD("$a", "BadField 4 $a;");
    FIELD("caf\xc3\xa9", "BadField 4 caf\xc3\xa9;");
    FIELD("child_id", "BadField 4 child_id;");
    FIELD("_id", "BadField 4 _id;");
    FIELD("child_ID|childid", "fine 0 0;");
#undef FIELD
}

TEST(there_are_at_most_500_fields)
{
    SCRATCH(a);
    for (int count = SYNC_FIELDS_MAX; count <= SYNC_FIELDS_MAX + 1; count++) {
        SCOPED(buf_releasep) struct buf file = { 0 }, mappings = { 0 };
        buf_add(&file, S(HEAD "03|id"));
        buf_add(&mappings, S("{\"header\":{" METADATA ",\"FieldMappings\":{\"id\":{}"));
        for (int i = 1; i < count; i++) {
            buf_printf(&file, "|f%d", i);
            buf_printf(&mappings, ",\"f%d\":{}", i);
        }
        buf_add(&file, S("\n99|0\n"));
        buf_add(&mappings, S("}}}"));
        bool is_fine = count == SYNC_FIELDS_MAX;
        EXPECT_SLICE(lines(&a, buf_slice(&file)), is_fine ? S("fine 0 0;") : S("BadField 4 f500;"));
        EXPECT_SLICE(json(&a, buf_slice(&mappings)), is_fine ? S("fine 0 0;") : S("BadField 1 FieldMappings;"));
    }
}

TEST(the_footer_is_the_last_line)
{
    SCRATCH(a);
    LINES(TWO, "MissingFooter 0 ;");
    LINES(TWO "10|k|x\n", "MissingFooter 0 ;");
    LINES(TWO "10|k|x\n99|1\n10|l|y\n", "MissingFooter 7 10;");
    LINES(TWO "99|0\n99|0\n", "MissingFooter 6 99;");
    LINES(TWO "99|0\n\n\r\n", "fine 0 0;");
}

TEST(the_footer_counts_the_rows)
{
    SCRATCH(a);
    LINES(TWO "10|k|x\n90|k\n99|1\n", "RowCountMismatch 7 ;");
    LINES(TWO "10|k|x\n90|k\n99|3\n", "RowCountMismatch 7 ;");
    LINES(TWO "10|k\n10\n90|k|x|y\n99| 3 \n",
          "fine 2 1;5.1 !FieldCount  '' k;6.2 !FieldCount  '' ;7.3 !FieldCount  '' k;");
    LINES(TWO "99\n", "RowCountMismatch 5 ;");
    LINES(TWO "99|x\n", "RowCountMismatch 5 x;");
    LINES(TWO "99|-0\n", "RowCountMismatch 5 -0;");
    LINES(TWO "99|18446744073709551616\n", "RowCountMismatch 5 18446744073709551616;");
    JSON("{" HEADER ",\"data\":[{\"id\":\"k\"}],\"footer\":{\"total\":2}}", "RowCountMismatch 1 ;");
    JSON("{\"footer\":{\"total\":\"2\"},\n" HEADER ",\"data\":[{\"id\":\"k\"}],\"delete\":[{\"id\":\"l\"}]}",
         "fine 1 1;2.1 +k{\"id\":\"k\"};2.2 -l;");
    JSON("{" HEADER ",\"footer\":{\"total\":-1}}", "RowCountMismatch 1 total;");
    JSON("{" HEADER ",\"footer\":{\"total\":[]}}", "RowCountMismatch 1 total;");
    JSON("{" HEADER ",\"footer\":3}", "RowCountMismatch 1 total;");
}

TEST(a_line_begins_with_a_known_type)
{
    SCRATCH(a);
    LINES(TWO "11|k|x\n99|1\n", "UnknownRecordType 5 11;");
    LINES(TWO "1|k|x\n99|1\n", "UnknownRecordType 5 1|;");
    LINES(TWO "100|k|x\n99|1\n", "UnknownRecordType 5 10;");
    LINES(TWO "10 |k|x\n99|1\n", "UnknownRecordType 5 10;");
    LINES(TWO " 10|k|x\n99|1\n", "UnknownRecordType 5  1;");
    LINES(TWO "x\n99|1\n", "UnknownRecordType 5 x;");
}

TEST(text_that_is_not_utf8_is_refused_wherever_it_stands)
{
    SCRATCH(a);
    LINES("00|caf\xe9\n", "NotUtf8 1 ;");
    LINES(TWO "10|caf\xc3\xa9|x\n10|caf\xe9|x\n99|2\n", "NotUtf8 6 ;");
    LINES(TWO "99|0|\xff\n", "NotUtf8 5 ;");
    LINES("\xff\xfe"
          "0\0"
          "0\0",
          "NotUtf8 1 ;");
    JSON("\xff\xfe{\0", "NotUtf8 1 ;");
    JSON("{" HEADER ",\n\"data\":[{\"id\":\"caf\xe9\"}]}", "NotUtf8 2 ;");
    JSON("{" HEADER ",\n\"data\":[caf\xe9]}", "NotUtf8 2 ;");
    JSON("{" HEADER ",\n\"caf\xe9\":1}", "NotUtf8 2 ;");
    JSON("{" HEADER "\n\xe9", "NotUtf8 2 ;");
}

TEST(json_that_is_not_valid_is_refused)
{
    SCRATCH(a);
    JSON("[]", "InvalidJson 1 ;");
    JSON("\"x\"", "InvalidJson 1 ;");
    JSON("{" HEADER "} x", "InvalidJson 1 ;");
    JSON("{" HEADER ",}", "InvalidJson 1 ;");
    JSON("{" HEADER ",\n\"data\":[{\"id\":\"k\"},]}", "InvalidJson 2 ;");
    JSON("{" HEADER ",\n\"data\":[,]}", "InvalidJson 2 ;");
    JSON("{" HEADER ",\n\"data\":[{\"id\":\"k\"} {}]}", "InvalidJson 2 ;");
    JSON("{" HEADER ",\n\"data\":[{\"id\":k}]}", "InvalidJson 2 ;");
    JSON("{" HEADER ",\n\"data\":[{\"id\":\"k\"]]}", "InvalidJson 2 ;");
    JSON("{" HEADER ",\n\"data\":[tru]}", "InvalidJson 2 ;");
    JSON("{" HEADER ",\"data\":{}}", "InvalidJson 1 data;");
    JSON("{" HEADER ",\"data\":[],\"Data\":[]}", "InvalidJson 1 Data;");
    JSON("{" HEADER ",\"footer\":[]}", "InvalidJson 1 footer;");
    JSON("{" HEADER " \"data\":[]}", "InvalidJson 1 ;");
    JSON("{" HEADER ",data:[]}", "InvalidJson 1 ;");
    JSON("{" HEADER ",\"data\" []}", "InvalidJson 1 ;");
}

TEST(json_that_has_no_end_is_incomplete)
{
    SCRATCH(a);
    slice whole = slice_trim(slice_part(slice_of(sample_json), 0, sizeof sample_json - 2));
    EXPECT(slice_starts(json(&a, whole), S("fine")));
    for (size_t n = 1; n < whole.n; n++) {
        SCRATCH(b);
        EXPECT(slice_starts(json(&b, slice_part(whole, 0, n)), S("MissingFooter")));
    }
}

TEST(a_line_or_value_has_at_most_ten_mebibytes)
{
    LARGE(a);
    const size_t most = (size_t)10 << 20;
    slice head = S(TWO "10|k|"), tail = S("\n99|1\n");
    slice said = lines(&a, join(&a, head, repeat(&a, 'x', most - 5), tail));
    EXPECT(slice_starts(said, S("fine 1 0;5.1 +k{\"id\":\"k\",\"v\":\"xxx")));
    EXPECT(said.n > most);
    EXPECT_SLICE(lines(&a, join(&a, head, repeat(&a, 'x', most - 4), tail)), S("LineTooLong 5 ;"));
    head = S("{" HEADER ",\n\"data\":[{\"id\":\"k\",\"name\":\""), tail = S("\"}]}");
    said = json(&a, join(&a, head, repeat(&a, 'x', most - 20), tail));
    EXPECT(slice_starts(said, S("fine 1 0;2.1 +k{\"id\":\"k\",\"name\":\"xxx")));
    EXPECT_SLICE(json(&a, join(&a, head, repeat(&a, 'x', most - 19), tail)), S("LineTooLong 2 ;"));
    EXPECT_SLICE(json(&a, join(&a, head, repeat(&a, 'x', 3 * most), tail)), S("LineTooLong 2 ;"));
    EXPECT_SLICE(json(&a, join(&a, S("{\n\""), repeat(&a, 'x', 3 * most), S("\":1}"))), S("LineTooLong 2 ;"));
    EXPECT_SLICE(json(&a, join(&a, S("{" HEADER), repeat(&a, '\n', 3 * most), S("}"))), S("fine 0 0;"));
}

/* ---- rows */

TEST(escapes_stand_for_what_separates)
{
    SCRATCH(a);
    LINES(OF("string", "a#/#b#Enter#c"), "fine 1 0;5.1 +k{\"id\":\"k\",\"v\":\"a|b\\r\\nc\"};");
    LINES(OF("string", "#/#/##Enter##"), "fine 1 0;5.1 +k{\"id\":\"k\",\"v\":\"|/#\\r\\n#\"};");
    LINES(OF("string", "#/#Enter#"), "fine 1 0;5.1 +k{\"id\":\"k\",\"v\":\"|Enter#\"};");
    LINES(OF("string", "#enter#/#"), "fine 1 0;5.1 +k{\"id\":\"k\",\"v\":\"#enter|\"};");
    LINES(OF("array", "a#/#b, c"), "fine 1 0;5.1 +k{\"id\":\"k\",\"v\":[\"a|b\",\"c\"]};");
    LINES(OF("object", "{\"a\":\"x#/#y\"}"), "fine 1 0;5.1 +k{\"id\":\"k\",\"v\":{\"a\":\"x|y\"}};");
    LINES(TWO "10|a#/#b|\n90|a#/#b\n99|2", "fine 1 1;5.1 +a|b{\"id\":\"a|b\",\"v\":null};6.2 -a|b;");
    LINES("00|a#/#b\n01|e#/#f|||d#Enter#\n02|id\n03|id\n99|0", "fine 0 0;");
}

TEST(values_are_of_their_types)
{
    static const struct {
        const char *type, *value, *want; /* NULL: none */
    } cases[] = {
        { "string", " a\"b\\c\t\x01 ", "\" a\\\"b\\\\c\\t\\u0001 \"" },
        { "string", "  ", "\"  \"" },
        { "string", "", "null" },
        { "int", "0", "0" },
        { "int", " -007 ", "-7" },
        { "int", "-0", "0" },
        { "int", "9223372036854775807", "9223372036854775807" },
        { "int", "-9223372036854775808", "-9223372036854775808" },
        { "int", "9223372036854775808", NULL },
        { "int", "-9223372036854775809", NULL },
        { "int", "1.0", NULL },
        { "int", "+1", NULL },
        { "int", "1 2", NULL },
        { "int", "-", NULL },
        { "int", "x", NULL },
        { "int", "  ", "null" },
        { "number", "12.50", "12.50" },
        { "number", " -0012.5 ", "-12.5" },
        { "number", "00", "0" },
        { "number", "1e3", "1e3" },
        { "number", "-0", "-0" },
        { "number", "--1", NULL },
        { "number", "-", NULL },
        { "number", ".5", NULL },
        { "number", "5.", NULL },
        { "number", "1,5", NULL },
        { "number", "1e309", NULL },
        { "number", "NaN", NULL },
        { "number", "0x10", NULL },
        { "bool", "true", "true" },
        { "bool", " FALSE ", "false" },
        { "bool", "1", "true" },
        { "bool", "0", "false" },
        { "bool", "yes", NULL },
        { "bool", "01", NULL },
        { "date", "20240229", "\"20240229\"" },
        { "date", " 20261121235959 ", "\"20261121235959\"" },
        { "date", "20230229", NULL },
        { "date", "20261301", NULL },
        { "date", "00000101", NULL },
        { "date", "20261121240000", NULL },
        { "date", "20261121006000", NULL },
        { "date", "20261121000060", NULL },
        { "date", "2026112", NULL },
        { "date", "202611210000", NULL },
        { "date", "2026-1-1", NULL },
        { "array", "a", "[\"a\"]" },
        { "array", " a ,b c, ", "[\"a\",\"b c\",\"\"]" },
        { "array", ",", "[\"\",\"\"]" },
        { "object", " {\"a\" : [ 1, {} ]} ", "{\"a\":[1,{}]}" },
        { "object", "{}", "{}" },
        { "object", "[]", NULL },
        { "object", "{\"a\"}", NULL },
        { "object", "{} {}", NULL },
        { "object", "{\"a\":\"\\u0000\"}", NULL },
        { "object", "{\"a\":\"#Enter#\"}", NULL },
        { "list", "[1, \"a b\" ]", "[1,\"a b\"]" },
        { "list", "{}", NULL },
        { "list", "[1", NULL },
    };
    SCRATCH(a);
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        slice file = arena_printf(&a, HEAD "03|id|v:%s\n10|k|%s\n99|1\n", cases[i].type, cases[i].value);
        slice want = cases[i].want ? arena_printf(&a, "fine 1 0;5.1 +k{\"id\":\"k\",\"v\":%s};", cases[i].want)
                                   : arena_printf(&a, "fine 1 0;5.1 !BadValue v '");
        slice said = lines(&a, file);
        if (cases[i].want)
            EXPECT_SLICE(said, want);
        else if (!slice_starts(said, want))
            EXPECT_SLICE(said, want);
    }
    LINES(TWO "10|k\0k|a\n90|l\n99|2\n", "fine 1 1;5.1 !BadValue id 'k\0k' k k;6.2 -l;");
    LINES(TWO "10|k|a\0b\n10|l|b\n99|2\n", "fine 2 0;5.1 !BadValue v 'a\0b' k;6.2 +l{\"id\":\"l\",\"v\":\"b\"};");
}

TEST(values_of_json_are_converted_when_they_say_the_same)
{
    static const struct {
        const char *type, *value, *want; /* NULL: none */
    } cases[] = {
        { "string", "\"a\\u00e9\\/\\n\"", "\"a\xc3\xa9/\\n\"" },
        { "string", "12.0", "\"12.0\"" },
        { "string", "true", "\"true\"" },
        { "string", "\"\"", "null" },
        { "string", "null", "null" },
        { "string", "{}", NULL },
        { "string", "[]", NULL },
        { "string", "\"#/#\"", "\"#/#\"" },
        { "int", "5", "5" },
        { "int", "5.0", "5" },
        { "int", "-1e2", "-100" },
        { "int", "-0", "0" },
        { "int", "\" 5 \"", "5" },
        { "int", "\"5.0\"", NULL },
        { "int", "5.5", NULL },
        { "int", "9223372036854775808", NULL },
        { "int", "-9223372036854775808", "-9223372036854775808" },
        { "int", "true", NULL },
        { "number", "1.50", "1.50" },
        { "number", "\"01.5\"", "1.5" },
        { "number", "1e999", NULL },
        { "bool", "true", "true" },
        { "bool", "0", "false" },
        { "bool", "\"False\"", "false" },
        { "bool", "2", NULL },
        { "date", "20261121", "\"20261121\"" },
        { "date", "\"20261121000000\"", "\"20261121000000\"" },
        { "date", "\"\"", "null" },
        { "array", "[]", "[]" },
        { "array", "[ \" a \", 1, true ]", "[\"a\",\"1\",\"true\"]" },
        { "array", "\"a,b\"", "[\"a\",\"b\"]" },
        { "array", "[null]", NULL },
        { "array", "[[]]", NULL },
        { "array", "{}", NULL },
        { "object", "{ \"a\": 1 }", "{\"a\":1}" },
        { "object", "\"{ \\\"a\\\": 1 }\"", "{\"a\":1}" },
        { "object", "[]", NULL },
        { "object", "1", NULL },
        { "list", "[ 1 , null ]", "[1,null]" },
        { "list", "\"[1]\"", "[1]" },
        { "list", "{}", NULL },
    };
    SCRATCH(a);
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        slice file = arena_printf(&a,
                                  "{\"header\":{" METADATA ",\"FieldMappings\":{\"id\":{},\"v\":{\"type\":\"%s\"}}},"
                                  "\"data\":[{\"v\":%s,\"id\":\"k\"}]}",
                                  cases[i].type, cases[i].value);
        slice want = cases[i].want ? arena_printf(&a, "fine 1 0;1.1 +k{\"id\":\"k\",\"v\":%s};", cases[i].want)
                                   : S("fine 1 0;1.1 !BadValue v '");
        slice said = json(&a, file);
        if (cases[i].want || !slice_starts(said, want))
            EXPECT_SLICE(said, want);
    }
}

TEST(a_row_with_an_error_does_not_touch_the_others)
{
    SCRATCH(a);
    LINES(FIELDS "10|a|n|x|1|||||\n10|b|n|1|1||||||\n10|c|n|1|1||||||more\n10|d|n\n10||n|1|1|||||\n10|e|n|1|1|||||\n90|"
                 "\n90|a|b\n90|e\n99|9",
          "fine 6 3;5.1 !BadValue size 'x' a;"
          "6.2 "
          "+b{\"id\":\"b\",\"name\":\"n\",\"size\":1,\"homeless\":true,\"address\":null,\"tags\":null,\"income\":null,"
          "\"born\":null,\"kids\":null};"
          "7.3 !FieldCount  '' c;8.4 !FieldCount  '' d;9.5 !MissingKey id '' ;"
          "10.6 "
          "+e{\"id\":\"e\",\"name\":\"n\",\"size\":1,\"homeless\":true,\"address\":null,\"tags\":null,\"income\":null,"
          "\"born\":null,\"kids\":null};"
          "11.7 !MissingKey id '' ;12.8 !FieldCount  '' a;13.9 -e;");
    JSON("{" HEADER ",\"data\":[{\"id\":\"a\",\"size\":\"x\"},{\"id\":\"b\",\"more\":1},{\"name\":\"n\"},1,[],"
         "{\"id\":\"c\",\"name\":\"x\",\"name\":\"y\"},{\"\\u0069d\":\"d\",\"ID\":1}],"
         "\"delete\":[{\"id\":\"a\",\"name\":\"n\"},{},{\"id\":\"b\",\"x\":1},{\"id\":\"c\"}]}",
         "fine 7 4;1.1 !BadValue size '\"x\"' a;1.2 !FieldCount more '' b;1.3 !MissingKey id '' ;1.4 !BadValue  '1' ;"
         "1.5 !BadValue  '[]' ;1.6 +c{\"id\":\"c\",\"name\":\"y\"};1.7 !FieldCount ID '' d;"
         "1.8 !FieldCount name '' a;1.9 !MissingKey id '' ;1.10 !FieldCount x '' b;1.11 -c;");
}

TEST(a_wrong_number_of_values_is_told_before_a_wrong_value)
{
    SCRATCH(a);
    LINES(FIELDS "10|a|n|x\n10||n|x|2|3|4|5|6|7|8\n99|2", "fine 2 0;5.1 !FieldCount  '' a;6.2 !FieldCount  '' ;");
}

TEST(the_same_key_twice_is_two_rows)
{
    SCRATCH(a);
    LINES(TWO "10|k|1\n10|k|2\n90|k\n90|k\n10|k|3\n99|5",
          "fine 3 2;5.1 +k{\"id\":\"k\",\"v\":\"1\"};6.2 +k{\"id\":\"k\",\"v\":\"2\"};7.3 -k;8.4 -k;9.5 "
          "+k{\"id\":\"k\",\"v\":\"3\"};");
}

TEST(keys_are_equal_exactly_if_their_values_are)
{
    SCRATCH(a);
#define KEYED(types, rows, want)                                                                                       \
    EXPECT_SLICE(lines(&a, S("00\n01|e|||d\n02|a|b\n03|" types "\n" rows "\n99|4")), S("fine 0 4;" want))
    KEYED("a|b", "90|x|y\n90| x|y \n90|xy|x\n90|x\"\\|y", "5.1 -x|y;6.2 - x|y ;7.3 -xy|x;8.4 -x\"\\|y;");
    KEYED("a:int|b:bool", "90|007|1\n90|7|TRUE\n90| -0|0\n90|7|false",
          "5.1 -7|true;6.2 -7|true;7.3 -0|false;8.4 -7|false;");
    KEYED("a:number|b:date", "90|1.50|20261121\n90|15e-1| 20261121\n90|-0.0|20261121\n90|1e3|20261121",
          "5.1 -1.5|20261121;6.2 -1.5|20261121;7.3 -0|20261121;8.4 -1000|20261121;");
    KEYED("a:number|b:number",
          "90|0.00120|-12\n90|1e-50|1e50\n90|12345678901234567891|1\n90|12345678901234567892|100e-2",
          "5.1 -0.0012|-12;6.2 -1e-50|1e50;7.3 -12345678901234567891|1;8.4 -12345678901234567892|1;");
    KEYED("a:array|b:object", "90|x, y|{\"a\": 1}\n90|x,y|{\"a\":1}\n90|x|{}\n90||{}",
          "5.1 -[\"x\",\"y\"]|{\"a\":1};6.2 -[\"x\",\"y\"]|{\"a\":1};7.3 -[\"x\"]|{};8.4 !MissingKey a '' |{};");
#undef KEYED
}

TEST(a_key_has_at_most_16_kib)
{
    SCRATCH(a);
    slice most = repeat(&a, 'x', SYNC_KEY_MAX), more = repeat(&a, 'x', SYNC_KEY_MAX + 1);
    slice said = lines(&a, join(&a, S(TWO "90|"), most, S("\n90|l\n99|2")));
    EXPECT(slice_starts(said, S("fine 0 2;5.1 -xxx")) && said.n > SYNC_KEY_MAX);
    said = lines(&a, join(&a, S(TWO "90|"), more, S("\n90|l\n99|2")));
    EXPECT(slice_starts(said, S("fine 0 2;5.1 !BadValue id 'xxx")) && slice_ends(said, S("x;6.2 -l;")));
    EXPECT(said.n < 300);
}

TEST(a_row_that_grows_beyond_its_limit_is_refused_alone)
{
    LARGE(a);
    slice many = repeat(&a, '\x01', (size_t)9 << 20); /* each becomes six bytes */
    slice said = lines(&a, join(&a, S(TWO "10|k|"), many, S("\n10|l|x\n99|2")));
    EXPECT(slice_starts(said, S("fine 2 0;5.1 !BadValue v '\x01")));
    EXPECT(slice_ends(said, S("' k;6.2 +l{\"id\":\"l\",\"v\":\"x\"};")));
    many = repeat(&a, ',', (size_t)9 << 20);
    said = lines(&a, join(&a, S(HEAD "03|id|v:array\n10|k|"), many, S("\n10|l|x\n99|2")));
    EXPECT(slice_ends(said, S("' k;6.2 +l{\"id\":\"l\",\"v\":[\"x\"]};")));
}

TEST(json_that_is_nested_too_deep_is_refused)
{
    SCRATCH(a);
    for (size_t depth = JSON_SCAN_DEPTH_MAX - 1; depth <= 1000; depth += 1000 - JSON_SCAN_DEPTH_MAX + 1) {
        bool is_fine = depth < JSON_SCAN_DEPTH_MAX;
        slice nest = join(&a, repeat(&a, '[', depth), repeat(&a, ']', depth), S(""));
        slice said = lines(&a, join(&a, S(HEAD "03|id|v:list\n10|k|"), nest, S("\n99|1")));
        EXPECT(slice_starts(said,
                            is_fine ? S("fine 1 0;5.1 +k{\"id\":\"k\",\"v\":[[") : S("fine 1 0;5.1 !BadValue v '[[[")));
        said = json(&a, join(&a, S("{" HEADER ",\n\"data\":[{\"id\":\"k\",\"kids\":"), nest, S("}]}")));
        EXPECT(slice_starts(said, is_fine ? S("fine 1 0;2.1 +k{") : S("InvalidJson 2 ;")));
    }
}

TEST(a_number_of_any_length_is_judged_quickly)
{
    LARGE(a);
    slice digits = repeat(&a, '9', (size_t)9 << 20);
    slice said = lines(&a, join(&a, S(HEAD "03|id|v:number\n10|k|"), digits, S("\n99|1")));
    EXPECT(slice_starts(said, S("fine 1 0;5.1 !BadValue v '999")));
    said = json(&a, join(&a, S("{" HEADER ",\"data\":[{\"id\":\"k\",\"size\":"), digits, S("}]}")));
    EXPECT(slice_starts(said, S("fine 1 0;1.1 !BadValue size '999")));
}

/* ---- what only JSON has */

TEST(the_parts_of_json_may_come_in_any_order_and_case)
{
    SCRATCH(a);
    JSON("{\"INSTANCEID\":7,\"x\":[1,{}],\"Delete\":[{\"id\":\"d\"}],\n\"DATA\":[{\"id\":\"k\"}],\n\"y\":{\"data\":[]},"
         "\"Header\":{"
         "\"METADATA\":{\"Keys\":[\"id\"],\"ENTITYTYPE\":\"e\",\"datasource\":\"d\"},\"fieldmappings\":{\"id\":null}}}",
         "BadField 3 id;");
    JSON("{\"INSTANCEID\":7,\"x\":[1,{}],\"Delete\":[{\"id\":\"d\"}],\n\"DATA\":[{\"id\":\"k\"}],\n\"y\":{\"data\":[]},"
         "\"Header\":{"
         "\"METADATA\":{\"Keys\":[\"id\"],\"ENTITYTYPE\":\"e\",\"datasource\":\"d\"},\"fieldmappings\":{\"id\":{}}}}",
         "fine 1 1;2.1 +k{\"id\":\"k\"};1.2 -d;");
    JSON("{\"delete\":[{\"id\":\"d\"}]," HEADER "}", "fine 0 1;1.1 -d;");
}

TEST(fields_of_json_are_stored_by_their_names_after_the_dictionary)
{
    SCRATCH(a);
#define MAPPED(mappings, data, want)                                                                                   \
    JSON("{\"header\":{\"metadata\":{\"keys\":[\"Key\"],\"entityType\":\"e\",\"dataSource\":\"d\"},\"FieldMappings\":" \
         "{" mappings "}},\"data\":[" data "]}",                                                                       \
         want)
    MAPPED("\"s\":{\"code\":\"child_id\",\"name\":\"status\",\"dictionary\":{\"A\":\"active\",\"1\":\"one\",\"true\":2,"
           "\"N\":null}},"
           "\"k\":{\"Code\":\"Key\",\"NAME\":\"entityId\"},\"n\":{\"type\":\"int\",\"dictionary\":{\"two\":2}}",
           "{\"Key\":\"a\",\"child_id\":\"A\",\"n\":\"two\"},{\"Key\":\"b\",\"child_id\":1},{\"Key\":\"c\",\"child_"
           "id\":true},"
           "{\"Key\":\"d\",\"child_id\":\"N\"},{\"Key\":\"e\",\"child_id\":\"B\",\"n\":3},{\"entityId\":\"f\"}",
           "fine 6 0;1.1 +a{\"entityId\":\"a\",\"status\":\"active\",\"n\":2};1.2 "
           "+b{\"entityId\":\"b\",\"status\":\"one\"};"
           "1.3 +c{\"entityId\":\"c\",\"status\":\"2\"};1.4 +d{\"entityId\":\"d\",\"status\":null};"
           "1.5 +e{\"entityId\":\"e\",\"status\":\"B\",\"n\":3};1.6 !FieldCount entityId '' ;");
    MAPPED("\"Key\":{\"name\":\"a\"},\"b\":{\"name\":\"a\"}", "", "BadField 1 a;");
    MAPPED("\"Key\":{},\"b\":{\"code\":\"Key\"}", "", "BadField 1 b;");
    MAPPED("\"Key\":{},\"b\":{\"name\":\"x_id\"}", "", "BadField 1 x_id;");
    MAPPED("\"Key\":{},\"b c\":{\"name\":\"x\"}", "", "BadField 1 b c;");
    MAPPED("\"Key\":{},\"b\":{\"type\":\"text\"}", "", "BadField 1 b;");
    MAPPED("\"Key\":{},\"b\":{\"dictionary\":[]}", "", "BadField 1 b;");
    MAPPED("\"Key\":{},\"b\":{\"dictionary\":{\"a\":{}}}", "", "BadField 1 b;");
    MAPPED("\"Key\":{},\"b\":{\"dictionary\":{\"a\":1,\"a\":2}}", "", "BadHeader 1 header;");
    MAPPED("\"key\":{}", "", "BadField 1 Key;");
#undef MAPPED
}

/* ---- any bytes, any place */

static uint64_t drawn(uint64_t *state, uint64_t below)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) % below;
}

/* A value that both forms can say, good or bad: as text of a line, and as JSON. */
static void add_random_value(uint64_t *r, bool is_key, struct buf *line, struct buf *json_text)
{
    static const char *const values[][2] = {
        { "", "null" },
        { "", "\"\"" },
        { "abc", "\"abc\"" },
        { "a#/#b", "\"a|b\"" },
        { "x#Enter#", "\"x\\r\\n\"" },
        { " 7 ", "\" 7 \"" },
        { "12", "12" },
        { "-3.5", "-3.5" },
        { "true", "true" },
        { "false", "\"false\"" },
        { "20261121", "20261121" },
        { "20261131", "\"20261131\"" },
        { "{\"a\": [1]}", "\"{\\\"a\\\": [1]}\"" },
        { "a, b", "\"a, b\"" },
        { "[1,2]", "\"[1,2]\"" },
        { "\xc3\xa9\xf0\x9f\x98\x80", "\"\\u00e9\\ud83d\\ude00\"" },
        { "\"\\", "\"\\\"\\\\\"" },
        { "1e400", "1e400" },
        { "#", "\"#\"" },
        { "9223372036854775808", "9223372036854775808" },
    };
    size_t i = is_key && drawn(r, 4) ? 2 + drawn(r, 2) : drawn(r, LENGTH_OF(values));
    buf_add(line, slice_of(values[i][0]));
    buf_add(json_text, slice_of(values[i][1]));
}

struct both_forms {
    struct buf lines, json;
};

static void make_both(uint64_t *r, struct both_forms *f)
{
    static const char *const types[] = { "string", "int", "number", "bool", "date", "array", "object", "list" };
    size_t fields = 1 + drawn(r, 9), keys = 1 + drawn(r, fields < 3 ? fields : 3), upserts = drawn(r, 20),
           deletes = drawn(r, 5);
    buf_clear(&f->lines);
    buf_clear(&f->json);
    buf_add(&f->lines, S("00\n01|e|||d\n02"));
    buf_add(&f->json, S("{\"header\":{\"metadata\":{\"entityType\":\"e\",\"dataSource\":\"d\",\"keys\":["));
    for (size_t i = 0; i < keys; i++) {
        buf_printf(&f->lines, "|f%zu", i);
        buf_printf(&f->json, "%s\"f%zu\"", i ? "," : "", i);
    }
    buf_add(&f->lines, S("\n03"));
    buf_add(&f->json, S("]},\"FieldMappings\":{"));
    for (size_t i = 0; i < fields; i++) {
        const char *type = types[drawn(r, LENGTH_OF(types))];
        buf_printf(&f->lines, "|f%zu:%s", i, type);
        buf_printf(&f->json, "%s\"f%zu\":{\"type\":\"%s\"}", i ? "," : "", i, type);
    }
    buf_add(&f->json, S("}},\"data\":["));
    for (size_t row = 0; row < upserts + deletes; row++) {
        bool is_delete = row >= upserts;
        if (row == upserts)
            buf_add(&f->json, S("],\"delete\":["));
        buf_printf(&f->lines, "\n%s", is_delete ? "90" : "10");
        buf_add(&f->json, row && row != upserts ? S(",{") : S("{"));
        for (size_t i = 0; i < (is_delete ? keys : fields); i++) {
            buf_add_byte(&f->lines, '|');
            buf_printf(&f->json, "%s\"f%zu\":", i ? "," : "", i);
            add_random_value(r, i < keys, &f->lines, &f->json);
        }
        buf_add_byte(&f->json, '}');
    }
    buf_printf(&f->lines, "\n99|%zu\n", upserts + deletes);
    buf_printf(&f->json, "],\"footer\":{\"total\":%zu}}", upserts + deletes);
}

/* The rows without their lines; of those with an error only what both forms say in the same way. */
static slice rows_of(struct arena *a, slice bytes, enum sync_form form)
{
    SCOPED(buf_releasep) struct buf said = { 0 };
    SCRATCH(account);
    struct content content = { .size_bytes = bytes.n, .bytes = bytes };
    struct sync_position start;
    bool is_fine;
    sync_add_check(&said, &content, form, &account, &is_fine, &start);
    EXPECT(is_fine);
    SCOPED(sync_rows_closep) struct sync_rows *r = NULL;
    EXPECT_OK(sync_rows_open(&content, &start, &account, &account, &r));
    struct sync_row row;
    enum sync_step step;
    do {
        EXPECT_OK(sync_rows_next(r, &account, &step, &row));
        if (step != SYNC_ROW)
            continue;
        buf_add_byte(&said, row.is_delete ? '-' : '+');
        buf_add(&said, sync_fault_word(row.fault));
        buf_add(&said, row.field);
        if (!row.fault)
            sync_add_key(&said, row.key);
        buf_add(&said, row.object);
        buf_add_byte(&said, '\n');
    } while (step != SYNC_END);
    return arena_copy(a, buf_slice(&said));
}

TEST(both_forms_say_the_same_of_any_rows)
{
    uint64_t r = rounds_seed();
    struct both_forms f = { { 0 }, { 0 } };
    for (int i = 0; i < rounds(ROUNDS_sync_forms); i++) {
        SCRATCH(a);
        make_both(&r, &f);
        EXPECT_SLICE(rows_of(&a, buf_slice(&f.json), SYNC_JSON), rows_of(&a, buf_slice(&f.lines), SYNC_LINES));
    }
    buf_release(&f.lines);
    buf_release(&f.json);
}

/* However the bytes come, they say the same. */
static void cut_everywhere(slice bytes, enum sync_form form)
{
    SCRATCH(a);
    slice want = describe(&a, bytes, form);
    for (size_t cut = 1; cut < bytes.n; cut++) {
        SCOPED(buf_releasep) struct buf said = { 0 };
        sync_add_file(&said, bytes, form, cut);
        EXPECT_SLICE(buf_slice(&said), want);
    }
}

TEST(a_file_may_be_cut_at_every_byte)
{
    SCRATCH(a);
    cut_everywhere(join(&a, S("\xef\xbb\xbf"), slice_of(sample_lines), S("")), SYNC_LINES);
    cut_everywhere(S("00|\r\n01|e|||d\r\n02|id\r\n03|id|v\r\n\r\n10|k#Enter#|x\xc3\xa9\r\n99|1\r\n"), SYNC_LINES);
    cut_everywhere(join(&a, S("\xef\xbb\xbf"), slice_of(sample_json), S("\n")), SYNC_JSON);
    cut_everywhere(S("{\xf0\x9f\x98\x80}"), SYNC_JSON);
    cut_everywhere(S("{\"a\":\"\\\\\\\"\\\\\",\"b\":[\"}\\\"]\",12,true , {\"x\":\"\\\\\"}]," HEADER
                     ",\"data\":[{\"id\":\"\\\\\\\\\\\"\"}]}"),
                   SYNC_JSON);
}

/* From every position the rest is the same. */
static void resume_everywhere(slice bytes, enum sync_form form)
{
    SCRATCH(account);
    SCOPED(buf_releasep) struct buf all = { 0 };
    struct content content = { .size_bytes = bytes.n, .bytes = bytes };
    struct sync_position start, positions[64], again;
    bool is_fine;
    sync_add_check(&all, &content, form, &account, &is_fine, &start);
    EXPECT(is_fine);
    buf_clear(&all);
    size_t count = sync_add_rows(&all, &content, &start, &account, positions, LENGTH_OF(positions));
    EXPECT(count <= LENGTH_OF(positions));
    for (size_t i = 0; i < count; i++) {
        SCRATCH(a);
        SCOPED(buf_releasep) struct buf text = { 0 }, rest = { 0 };
        sync_position_add_text(&text, &positions[i]);
        EXPECT(text.n <= SYNC_POSITION_TEXT_MAX && sync_position_from_text(buf_slice(&text), &again));
        EXPECT_EQ(again.row, i + 1);
        EXPECT_EQ(sync_add_rows(&rest, &content, &again, &a, NULL, 0), count - i - 1);
        EXPECT(slice_ends(buf_slice(&all), buf_slice(&rest)));
    }
}

TEST(reading_goes_on_after_every_row)
{
    uint64_t r = rounds_seed();
    struct both_forms f = { { 0 }, { 0 } };
    resume_everywhere(slice_of(sample_lines), SYNC_LINES);
    resume_everywhere(slice_of(sample_json), SYNC_JSON);
    resume_everywhere(S("00|\r\n01|e|||d\r\n02|id\r\n03|id|v\r\n\r\n10|k|x\r\n\r\n10|l\r\n90|k\r\n99|3\r\n"),
                      SYNC_LINES);
    resume_everywhere(
        S("{\"delete\":[{\"id\":\"d\"},\n{\"id\":\"e\"}],\n\"data\":[ {\"id\":\"k\"}\n,\n{\"id\":\"l\"} ]," HEADER "}"),
        SYNC_JSON);
    for (int i = 0; i < 20; i++) {
        make_both(&r, &f);
        resume_everywhere(buf_slice(&f.lines), SYNC_LINES);
        resume_everywhere(buf_slice(&f.json), SYNC_JSON);
    }
    buf_release(&f.lines);
    buf_release(&f.json);
}

TEST(a_text_that_is_no_position_is_refused)
{
    const char *const texts[] = { "",
                                  "0",
                                  "0 0 1 1 1 0 0",
                                  "0 0 1 1 1 0 0 0 ",
                                  "0 0 1 1 1 0 0 0 0",
                                  "2 0 1 1 1 0 0 0",
                                  "0 2 1 1 1 0 0 0",
                                  "0 0 x 1 1 0 0 0",
                                  " 0 0 1 1 1 0 0 0" };
    struct sync_position p;
    for (size_t i = 0; i < LENGTH_OF(texts); i++)
        EXPECT(!sync_position_from_text(slice_of(texts[i]), &p));
    EXPECT(sync_position_from_text(S("1 1 2 3 4 5 6 18446744073709551615"), &p));
    EXPECT(p.form == SYNC_JSON && p.is_deleting && p.offset == 2 && p.line == 3 && p.row == 4 && p.header_offset == 5 &&
           p.delete_offset == 6 && p.delete_line == UINT64_MAX);
}

TEST(a_file_that_was_not_checked_is_corrupt)
{
    static const struct {
        const char *text;
        struct sync_position from;
    } cases[] = {
        { "10|k|x\n", { .form = SYNC_LINES, .offset = 1 } },
        { TWO "11|k|x\n", { .form = SYNC_LINES, .offset = sizeof TWO - 1 } },
        { TWO "10|k|x\n", { .form = SYNC_LINES, .offset = sizeof TWO + 6 } },
        { "{\"data\":[]}", { .form = SYNC_JSON, .offset = 9, .header_offset = 1 } },
        { "{" HEADER ",\"data\":[{\"id\":x}]}",
          { .form = SYNC_JSON, .offset = sizeof HEADER + 9, .header_offset = 10 } },
        { "{" HEADER ",\"data\":[{]", { .form = SYNC_JSON, .offset = sizeof HEADER + 9, .header_offset = 10 } },
        { "{" HEADER ",\"data\":[", { .form = SYNC_JSON, .offset = sizeof HEADER + 9, .header_offset = 10 } },
    };
    for (size_t i = 0; i < LENGTH_OF(cases); i++) {
        SCRATCH(a);
        slice bytes = slice_of(cases[i].text);
        struct content content = { .size_bytes = bytes.n, .bytes = bytes };
        SCOPED(sync_rows_closep) struct sync_rows *r = NULL;
        struct sync_row row;
        enum sync_step step = SYNC_PAUSE;
        err_t e = sync_rows_open(&content, &cases[i].from, &a, &a, &r);
        while (!e && step == SYNC_PAUSE)
            e = sync_rows_next(r, &a, &step, &row);
        EXPECT_ERR(e, ERR_CORRUPT);
    }
}

static err_t fail_to_read(struct blob_reader *r, uint64_t offset, char *to, size_t size, struct arena *a,
                          size_t *ret_read)
{
    (void)r;
    (void)offset;
    (void)to;
    (void)size;
    *ret_read = 0;
    return err_make(a, ERR_UNAVAILABLE, "no disk");
}

TEST(an_error_of_the_store_is_no_fault_of_the_file)
{
    static const struct blob_ops ops = { .read_at = fail_to_read };
    struct blob_reader reader = { .ops = &ops };
    struct content content = { .size_bytes = 10, .reader = &reader };
    for (int form = 0; form < SYNC_FORM_COUNT; form++) {
        SCRATCH(a);
        SCOPED(sync_check_closep) struct sync_check *c = sync_check_open(&content, (enum sync_form)form, &a);
        struct sync_position from = { .form = (enum sync_form)form, .offset = 1 };
        struct sync_rows *r;
        bool has_more;
        EXPECT_ERR(sync_check_next(c, &a, &has_more), ERR_UNAVAILABLE);
        EXPECT_EQ(sync_check_result(c)->fault, SYNC_FINE);
        EXPECT_ERR(sync_rows_open(&content, &from, &a, &a, &r), ERR_UNAVAILABLE);
    }
}

/* The largest line or value of a form, as expensive as it can be made, within an account as the product has it. */
TEST(the_memory_of_a_file_has_a_limit)
{
    LARGE(a);
    const size_t size = ((size_t)10 << 20) - 100;
    slice quotes = repeat(&a, '"', size), spaces = repeat(&a, ' ', size - 10), escapes = repeat(&a, '\\', size / 2 * 2);
    const slice files[] = {
        join(&a, S(HEAD "03|id|v\n10|#/#|"), quotes, S("#/#\n99|1")),
        join(&a, S(HEAD "03|id|v:object\n10|#/#|{"), spaces, S("}\n99|1")),
        join(&a, S("00|"), spaces, S("\n01|e|||d\n02|id\n03|id\n99|0")),
        join(&a, S("{" HEADER ",\"data\":[{\"id\":\"k\",\"name\":\""), escapes, S("\"}]}")),
        join(&a, S("{" HEADER ",\"data\":[{\"id\":\"k\",\"kids\":["), spaces, S("]}]}")),
        join(&a, S("{\"header\":{"), spaces, S("}}")),
    };
    for (size_t i = 0; i < LENGTH_OF(files); i++) {
        SCRATCH(account);
        SCOPED(buf_releasep) struct buf said = { 0 };
        struct content content = { .size_bytes = files[i].n, .bytes = files[i] };
        struct sync_position start;
        bool is_fine;
        sync_add_check(&said, &content, i < 3 ? SYNC_LINES : SYNC_JSON, &account, &is_fine, &start);
        EXPECT(is_fine || i % 3 == 2);
        if (is_fine)
            EXPECT_EQ(sync_add_rows(&said, &content, &start, &account, NULL, 0), 1);
        EXPECT(account.peak < (size_t)56 << 20);
    }
}

TEST(an_account_without_room_ends_the_reading)
{
    LARGE(a);
    slice line = join(&a, S(TWO "10|k|"), repeat(&a, 'x', (size_t)5 << 20), S("\n99|1"));
    struct content content = { .size_bytes = line.n, .bytes = line };
    SCRATCH(account);
    arena_set_limit(&account, (size_t)8 << 20, NULL);
    SCOPED(sync_rows_closep) struct sync_rows *r = NULL;
    struct sync_position from = { .form = SYNC_LINES, .offset = sizeof TWO - 1 };
    struct sync_row row;
    enum sync_step step = SYNC_PAUSE;
    err_t e = sync_rows_open(&content, &from, &account, &account, &r);
    while (!e && step == SYNC_PAUSE)
        e = sync_rows_next(r, &account, &step, &row);
    EXPECT_ERR(e, ERR_TOO_LARGE);
}

TEST(each_fault_has_its_word)
{
    static const char *const words[] = { "",
                                         "EmptyFile",
                                         "NotUtf8",
                                         "LineTooLong",
                                         "BadHeader",
                                         "BadField",
                                         "UnknownRecordType",
                                         "MissingFooter",
                                         "RowCountMismatch",
                                         "InvalidJson",
                                         "UnknownEntity",
                                         "DatasourceMismatch",
                                         "WorkspaceMismatch",
                                         "EntityMismatch",
                                         "AllRowsFailed",
                                         "QuotaExceeded",
                                         "Cancelled",
                                         "StorageFailed",
                                         "FieldCount",
                                         "BadValue",
                                         "MissingKey",
                                         "DeleteNotAllowed",
                                         "RecordTooLarge" };
    EXPECT_EQ(LENGTH_OF(words), SYNC_FAULT_COUNT);
    for (int i = 0; i < SYNC_FAULT_COUNT; i++) {
        enum sync_fault found;
        EXPECT_SLICE(sync_fault_word((enum sync_fault)i), slice_of(words[i]));
        EXPECT_EQ(sync_fault_find(slice_of(words[i]), &found), i > 0);
        EXPECT(i == 0 || found == (enum sync_fault)i);
        EXPECT(i == 0 || sync_fault_text((enum sync_fault)i).n > 0);
        EXPECT_EQ(sync_fault_is_of_file((enum sync_fault)i), i > 0 && i < SYNC_FIELD_COUNT);
    }
}

RUN_TESTS(
    cmocka_unit_test(rows_come_in_the_order_of_the_file_with_their_types),
    cmocka_unit_test(the_json_form_says_the_same), cmocka_unit_test(the_header_is_known_after_the_check),
    cmocka_unit_test(lines_end_in_any_way_and_empty_ones_are_skipped),
    cmocka_unit_test(a_record_may_end_in_one_more_pipe), cmocka_unit_test(a_file_without_rows_is_fine),
    cmocka_unit_test(an_empty_file_is_named_so), cmocka_unit_test(the_records_of_the_header_come_once_and_in_order),
    cmocka_unit_test(the_subject_of_the_file_must_be_named), cmocka_unit_test(texts_of_the_header_have_a_limit),
    cmocka_unit_test(keys_are_one_to_eight_codes), cmocka_unit_test(fields_have_valid_codes_and_types),
    cmocka_unit_test(there_are_at_most_500_fields), cmocka_unit_test(the_footer_is_the_last_line),
    cmocka_unit_test(the_footer_counts_the_rows), cmocka_unit_test(a_line_begins_with_a_known_type),
    cmocka_unit_test(text_that_is_not_utf8_is_refused_wherever_it_stands),
    cmocka_unit_test(json_that_is_not_valid_is_refused), cmocka_unit_test(json_that_has_no_end_is_incomplete),
    cmocka_unit_test(a_line_or_value_has_at_most_ten_mebibytes), cmocka_unit_test(escapes_stand_for_what_separates),
    cmocka_unit_test(values_are_of_their_types), cmocka_unit_test(values_of_json_are_converted_when_they_say_the_same),
    cmocka_unit_test(a_row_with_an_error_does_not_touch_the_others),
    cmocka_unit_test(a_wrong_number_of_values_is_told_before_a_wrong_value),
    cmocka_unit_test(the_same_key_twice_is_two_rows), cmocka_unit_test(keys_are_equal_exactly_if_their_values_are),
    cmocka_unit_test(a_key_has_at_most_16_kib), cmocka_unit_test(a_row_that_grows_beyond_its_limit_is_refused_alone),
    cmocka_unit_test(json_that_is_nested_too_deep_is_refused),
    cmocka_unit_test(a_number_of_any_length_is_judged_quickly),
    cmocka_unit_test(the_parts_of_json_may_come_in_any_order_and_case),
    cmocka_unit_test(fields_of_json_are_stored_by_their_names_after_the_dictionary),
    cmocka_unit_test(both_forms_say_the_same_of_any_rows), cmocka_unit_test(a_file_may_be_cut_at_every_byte),
    cmocka_unit_test(reading_goes_on_after_every_row), cmocka_unit_test(a_text_that_is_no_position_is_refused),
    cmocka_unit_test(a_file_that_was_not_checked_is_corrupt),
    cmocka_unit_test(an_error_of_the_store_is_no_fault_of_the_file), cmocka_unit_test(the_memory_of_a_file_has_a_limit),
    cmocka_unit_test(an_account_without_room_ends_the_reading), cmocka_unit_test(each_fault_has_its_word))
