/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Text files that the build put into the program. */
#ifndef CLI_EMBEDDED_H
#define CLI_EMBEDDED_H

/** What a database begins with, and what follows once its columns are there. */
extern const char embedded_tables[];
extern const char embedded_views[];

/** The page of --format=html. */
extern const char embedded_page[];
extern const char embedded_page_css[];
extern const char embedded_data_js[];
extern const char embedded_filter_js[];
extern const char embedded_table_js[];
extern const char embedded_resets_js[];
extern const char embedded_overview_js[];
extern const char embedded_findings_js[];
extern const char embedded_timeline_js[];
extern const char embedded_page_js[];
/** uPlot, which draws its chart. */
extern const char embedded_uplot_css[];
extern const char embedded_uplot_js[];

#endif
