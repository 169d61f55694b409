/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sequence.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <glib.h>

#include "input.h"

struct item {
    char *path;
    unsigned class; /* 0: has a first packet, 1: a file without, 2: a pipe */
    int64_t time_ns;
    guint index; /* in the order given */
};

static void look_into(struct item *item)
{
    struct whyrst_frame frame;
    char *message = NULL;
    struct input *input = input_open(item->path, &message);

    if (input && input_next(input, &frame) == WHYRST_CAPTURE_OK) {
        item->class = 0;
        item->time_ns = frame.time_ns;
    }
    input_close(input);
    g_free(message); /* said when the file is read in earnest */
}

static void add_item(GArray *items, char *path)
{
    struct item item = {.path = path, .class = 1, .index = items->len};
    struct stat info;

    if (strcmp(path, "-") == 0 || (stat(path, &info) == 0 && !S_ISREG(info.st_mode))) {
        item.class = 2;
    } else {
        look_into(&item);
    }
    g_array_append_val(items, item);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Hidden files and what is no file at all are not meant. Returns false when there are no others. */
static bool add_directory(GPtrArray *paths, const char *path)
{
    GDir *directory = g_dir_open(path, 0, NULL);
    GPtrArray *names;
    const char *name;
    bool any;

    if (!directory) {
        return false;
    }
    names = g_ptr_array_new();
    while ((name = g_dir_read_name(directory))) {
        char *file = g_build_filename(path, name, NULL);
        struct stat info;

        if (name[0] != '.' && stat(file, &info) == 0 && S_ISREG(info.st_mode)) {
            g_ptr_array_add(names, file);
        } else {
            g_free(file);
        }
    }
    g_dir_close(directory);
    g_ptr_array_sort(names, compare_names);
    any = names->len > 0;
    g_ptr_array_extend_and_steal(paths, names);
    return any;
}

static gint compare_items(gconstpointer a, gconstpointer b)
{
    const struct item *x = a, *y = b;

    if (x->class != y->class) {
        return x->class < y->class ? -1 : 1;
    }
    if (x->time_ns != y->time_ns) {
        return x->time_ns < y->time_ns ? -1 : 1;
    }
    return x->index < y->index ? -1 : x->index > y->index;
}

char **sequence_expand(char **inputs)
{
    GPtrArray *paths = g_ptr_array_new();

    for (char **input = inputs; *input; input++) {
        if (strcmp(*input, "-") == 0 || !g_file_test(*input, G_FILE_TEST_IS_DIR) ||
            !add_directory(paths, *input)) {
            g_ptr_array_add(paths, g_strdup(*input));
        }
    }
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(paths, FALSE);
}

void sequence_sort(char **paths)
{
    GArray *items = g_array_new(FALSE, FALSE, sizeof(struct item));

    for (char **path = paths; *path; path++) {
        add_item(items, *path);
    }
    g_array_sort(items, compare_items);
    for (guint i = 0; i < items->len; i++) {
        paths[i] = g_array_index(items, struct item, i).path;
    }
    g_array_unref(items);
}
