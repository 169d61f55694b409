/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the parts of the documentation that the library knows, as Markdown:
 *
 *     whyrst-docs causes    docs/CAUSES.md, without its head
 *     whyrst-docs fields    the field table of README.md
 *     whyrst-docs kinds     the kinds of findings of docs/FINDINGS.md
 *     whyrst-docs findings  the fields of findings there
 *     whyrst-docs endpoints the fields of endpoints there
 *     whyrst-docs ja4s      the fields of JA4s there
 *
 * tests/docs.py puts them in their places and compares.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <whyrst/causes.h>
#include <whyrst/finding.h>
#include <whyrst/record.h>

static void print_part(const char *title, const char *text)
{
    if (*text) {
        printf("\n**%s.** %s\n", title, text);
    }
}

static void print_causes(void)
{
    for (size_t i = 0; i < whyrst_cause_count(); i++) {
        const struct whyrst_cause_info *cause = whyrst_cause_info(i);

        printf("\n## `%s`\n\n%s\n", cause->name, cause->meaning);
        print_part("Shown by", cause->shown_by);
        print_part("What to do", cause->advice);
        print_part("References", cause->references);
        if (*cause->sample) {
            printf("\n**Sample.** [samples/%s](../samples/%s/)\n", cause->sample, cause->sample);
        }
    }
}

static const char *where(unsigned bits)
{
    if (!(bits & WHYRST_ON_RST)) {
        return "connections";
    }
    return bits & WHYRST_ON_PLUGIN ? "all" : "CLI";
}

static const char *const types[] = {
    [WHYRST_TYPE_STRING] = "text",
    [WHYRST_TYPE_INTEGER] = "integer",
    [WHYRST_TYPE_FRAME] = "frame",
    [WHYRST_TYPE_DURATION] = "seconds",
    [WHYRST_TYPE_TIME] = "time",
    [WHYRST_TYPE_ADDRESS] = "address",
    [WHYRST_TYPE_STRINGS] = "list",
    [WHYRST_TYPE_NUMBER] = "number",
    [WHYRST_TYPE_NUMBERS] = "list of integers",
};

static void print_fields(void)
{
    printf("| field | type | where | meaning |\n| --- | --- | --- | --- |\n");
    for (int i = 0; i < WHYRST_FIELD_COUNT; i++) {
        const struct whyrst_field_info *field = whyrst_field_info((enum whyrst_field)i);

        printf("| `%s` | %s | %s%s | %s |\n", field->name, types[field->type], where(field->bits),
               field->bits & WHYRST_HINDSIGHT ? ", hindsight" : "", field->help);
    }
}

static void print_kinds(void)
{
    printf("| kind | meaning |\n| --- | --- |\n");
    for (int i = 0; i < WHYRST_FINDING_COUNT; i++) {
        enum whyrst_finding_kind kind = (enum whyrst_finding_kind)i;

        printf("| `%s` | %s |\n", whyrst_finding_kind_name(kind), whyrst_finding_kind_text(kind));
    }
}

static void print_column(const struct whyrst_column *column)
{
    printf("| `%s` | %s | %s |\n", column->name, types[column->type], column->help);
}

static void print_findings(void)
{
    printf("| field | type | meaning |\n| --- | --- | --- |\n");
    for (int i = 0; i < WHYRST_FINDING_FIELD_COUNT; i++) {
        print_column(whyrst_finding_column((enum whyrst_finding_field)i));
    }
}

static void print_endpoints(void)
{
    printf("| field | type | meaning |\n| --- | --- | --- |\n");
    for (int i = 0; i < WHYRST_ENDPOINT_FIELD_COUNT; i++) {
        print_column(whyrst_endpoint_column((enum whyrst_endpoint_field)i));
    }
}

static void print_ja4s(void)
{
    printf("| field | type | meaning |\n| --- | --- | --- |\n");
    for (int i = 0; i < WHYRST_JA4_FIELD_COUNT; i++) {
        print_column(whyrst_ja4_column((enum whyrst_ja4_field)i));
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } parts[] = {
        {"causes", print_causes},     {"fields", print_fields},       {"kinds", print_kinds},
        {"findings", print_findings}, {"endpoints", print_endpoints}, {"ja4s", print_ja4s},
    };

    for (size_t i = 0; argc == 2 && i < sizeof parts / sizeof parts[0]; i++) {
        if (strcmp(argv[1], parts[i].name) == 0) {
            parts[i].print();
            return 0;
        }
    }
    fprintf(stderr, "usage: whyrst-docs causes|fields|kinds|findings|endpoints|ja4s\n");
    return 2;
}
