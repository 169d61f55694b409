/* SPDX-License-Identifier: GPL-2.0-or-later */
/** Frames that show something: the first few of them. */
#ifndef DIAGNOSE_FRAMES_H
#define DIAGNOSE_FRAMES_H

#include <stdint.h>

#include "limits.h"

/** struct place - a frame: index of its file among those of a diagnosis, and its number there */
struct place {
    uint32_t file;
    uint32_t frame;
};

/**
 * struct frames - the first ones in the order of files and frames, without doubles
 * @count: LIMIT_FINDING_FRAMES at most
 * @only:  where there is one: most lists have no other, and take no memory
 * @more:  where there are several; memory for the next power of two
 */
struct frames {
    uint32_t count;
    union {
        struct place only;
        struct place *more;
    };
};

/** Its @count places. */
static inline const struct place *frames_places(const struct frames *frames)
{
    return frames->count > 1 ? frames->more : &frames->only;
}

/** @place, of a file that follows @files others. */
struct place place_moved(struct place place, uint32_t files);
/** Makes @first the earlier of the two; frame 0 stands for none. */
void place_note(struct place *first, struct place other);
void frames_add(struct frames *frames, struct place place);
/** Adds those of @other, whose files follow @files others. */
void frames_merge(struct frames *frames, const struct frames *other, uint32_t files);
void frames_clear(struct frames *frames);

#endif
