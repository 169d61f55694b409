/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "page.h"

#include <stddef.h>

#include "embedded.h"

static const char *const styles[] = {embedded_uplot_css, embedded_page_css, NULL};

/* In the order in which they use one another. */
static const char *const scripts[] = {
    embedded_uplot_js,    embedded_data_js,
    embedded_filter_js,   embedded_table_js,
    embedded_resets_js,   embedded_overview_js,
    embedded_findings_js, embedded_timeline_js,
    embedded_page_js,     NULL,
};

const struct html_page page = {.markup = embedded_page, .styles = styles, .scripts = scripts};
