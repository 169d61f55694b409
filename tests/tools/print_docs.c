/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the parts of the documentation that the library knows, as Markdown:
 *
 *     whyrst-docs causes    docs/CAUSES.md, without its head
 *     whyrst-docs fields    the field table of README.md
 *
 * tests/docs.py puts them in their places and compares.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <whyrst/causes.h>
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

static void print_fields(void)
{
    static const char *const types[] = {
        [WHYRST_TYPE_STRING] = "text",  [WHYRST_TYPE_INTEGER] = "integer",
        [WHYRST_TYPE_FRAME] = "frame",  [WHYRST_TYPE_DURATION] = "seconds",
        [WHYRST_TYPE_TIME] = "time",    [WHYRST_TYPE_ADDRESS] = "address",
        [WHYRST_TYPE_STRINGS] = "list",
    };

    printf("| field | type | where | meaning |\n| --- | --- | --- | --- |\n");
    for (int i = 0; i < WHYRST_FIELD_COUNT; i++) {
        const struct whyrst_field_info *field = whyrst_field_info((enum whyrst_field)i);

        printf("| `%s` | %s | %s%s | %s |\n", field->name, types[field->type], where(field->bits),
               field->bits & WHYRST_HINDSIGHT ? ", hindsight" : "", field->help);
    }
}

int main(int argc, char **argv)
{
    bool causes = argc == 2 && strcmp(argv[1], "causes") == 0;

    if (!causes && !(argc == 2 && strcmp(argv[1], "fields") == 0)) {
        fprintf(stderr, "usage: whyrst-docs causes|fields\n");
        return 2;
    }
    if (causes) {
        print_causes();
    } else {
        print_fields();
    }
    return 0;
}
