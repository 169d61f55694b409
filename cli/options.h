/* SPDX-License-Identifier: GPL-2.0-or-later */
/** The command line. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>

#include <whyrst/engine.h>
#include <whyrst/finding.h>

#include "filter.h"
#include "report/writer.h"

/** Exit statuses; a contract with scripts. */
enum exit_status {
    EXIT_ALL_READ = 0,
    EXIT_NOT_ALL_READ = 1,
    EXIT_USAGE = 2,
};

enum sandbox {
    SANDBOX_IF_POSSIBLE,
    SANDBOX_REQUIRED,
    SANDBOX_OFF,
};

/**
 * struct options - what the command line asks for
 * @inputs:       captures, in the order given; NULL-terminated
 * @output:       file to write to, NULL for standard output
 * @database:     that is a database, which gets what @format writes
 * @summary_only: no records
 * @continued:    the inputs are one capture
 * @progress:     shows a bar on standard error
 * @jobs:         captures analysed at a time
 */
struct options {
    char **inputs;
    char *output;
    const struct writer_format *format;
    bool database;
    struct filter *filter;
    struct whyrst_options engine;
    struct whyrst_diagnosis_options diagnosis;
    bool connections;
    bool summary_only;
    bool continued;
    enum sandbox sandbox;
    bool progress;
    unsigned jobs;
};

/**
 * Reads the command line, a NULL-terminated @argv. Returns false when there is nothing more to do
 * (--help, --version, wrong usage); @status is then the exit status and everything has been said.
 */
bool options_parse(struct options *options, char **argv, enum exit_status *status);
void options_clear(struct options *options);

#endif
