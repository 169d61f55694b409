/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of sandbox.c where the system has no Landlock. */
#include <glib.h>

#include "sandbox.h"

char *sandbox_enter(char **inputs, bool spools)
{
    (void)inputs;
    (void)spools;
    return g_strdup("this whyrst was built without one");
}
