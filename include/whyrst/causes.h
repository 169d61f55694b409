/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * The causes: what each means, how it is told, what to do about it.
 *
 * The list is the library's (one file per cause); programs and documentation read it here.
 */
#ifndef WHYRST_CAUSES_H
#define WHYRST_CAUSES_H

#include <stddef.h>

#include <whyrst/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** struct whyrst_cause_info - one cause; static, never freed */
struct whyrst_cause_info {
    const char *name;       /**< as in fields and filters: "port-closed" */
    const char *meaning;    /**< the mechanism, one sentence */
    const char *shown_by;   /**< what in the packets speaks for it */
    const char *advice;     /**< what to do about it, one sentence */
    const char *references; /**< sources of the rule: RFC sections, kernel functions, papers */
    const char *sample;     /**< a folder under samples/ that shows it, "" = none */
};

/** Number of causes, "unknown" included as the last. */
WHYRST_API size_t whyrst_cause_count(void);
/** Cause number @index (0 to count - 1), in the order of the documentation; NULL beyond. */
WHYRST_API const struct whyrst_cause_info *whyrst_cause_info(size_t index);
/** The cause called @name, or NULL. */
WHYRST_API const struct whyrst_cause_info *whyrst_cause_find(const char *name);

#ifdef __cplusplus
}
#endif
#endif
