/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The report as a page of HTML that holds everything it needs.
 *
 * The page is the caller's; the writer puts the data into it. Data is one JSON array in an element
 * that browsers do not run: first an object that describes the rows, then, in the order of the
 * input,
 *
 *     ["file", NAME]                   what follows is of that capture; the dictionary is empty
 *     [FRAME, TIME, ...]               a RST: the values of the fields of RSTs, absent ones at the
 * end left out; an object at the end says which other files hold frames named in it (--continue)
 *     ["connections", IP, PORT, SNI, JA4, CLOSE_TYPE, COUNT, WITH_RESETS]
 *                                      connections that have these in common
 *     ["omitted", RESETS, CONNECTIONS] what found no room
 *     {"type":"file", ...}             the figures of a capture, as in NDJSON
 *
 * A string comes in full once and after that as its number in the dictionary, counted from 1; when
 * that has HTML_DICTIONARY entries it is emptied. Absent strings are 0, absent numbers null. Times
 * are microseconds since 1970. "<" never stands in the data: it is escaped, whoever wrote it.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

/** Strings that the writer and the page keep at once. */
#define HTML_DICTIONARY 65536u

/**
 * struct html_page - the page around the data
 * @markup: with HTML_STYLE, HTML_DATA and HTML_SCRIPT once each, in that order
 * @styles, @scripts: what goes there, each a NULL-terminated list
 */
struct html_page {
    const char *markup;
    const char *const *styles;
    const char *const *scripts;
};

#define HTML_POLICY "<!-- policy -->"
#define HTML_STYLE  "<!-- style -->"
#define HTML_DATA   "<!-- data -->"
#define HTML_SCRIPT "<!-- script -->"

#endif
