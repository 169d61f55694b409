/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzz target over files and directories without a fuzzer: corpora as ordinary tests. */
#include <stdint.h>
#include <stdio.h>

#include <glib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replay(const char *path)
{
    char *bytes;
    gsize length;
    GDir *dir = g_dir_open(path, 0, NULL);
    unsigned count = 0;

    if (dir) {
        const char *name;

        while ((name = g_dir_read_name(dir))) {
            char *child = g_build_filename(path, name, NULL);

            count += replay(child);
            g_free(child);
        }
        g_dir_close(dir);
    } else if (g_file_get_contents(path, &bytes, &length, NULL)) {
        LLVMFuzzerTestOneInput((const uint8_t *)bytes, length);
        g_free(bytes);
        count = 1;
    }
    return count;
}

int main(int argc, char **argv)
{
    unsigned count = 0;

    for (int i = 1; i < argc; i++) {
        count += replay(argv[i]);
    }
    printf("%u inputs replayed\n", count);
    return count ? 0 : 1;
}
