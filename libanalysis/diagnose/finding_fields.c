/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of a finding's fields and how each is read. */
#include "diagnose/finding.h"

#define COLUMN(id, name, type, help) {name, WHYRST_TYPE_##type, help},

static const struct whyrst_column columns[] = {WHYRST_FINDING_FIELDS(COLUMN)};

const struct whyrst_column *whyrst_finding_column(enum whyrst_finding_field field)
{
    return (unsigned)field < WHYRST_FINDING_FIELD_COUNT ? &columns[field] : NULL;
}

static bool set_text(struct whyrst_value *value, const char *text)
{
    value->string = text;
    return text && text[0];
}

static bool set_time(struct whyrst_value *value, int64_t time_ns)
{
    value->time_ns = time_ns;
    return time_ns != 0;
}

static bool set_count(struct whyrst_value *value, uint64_t count)
{
    value->integer = count;
    return true;
}

static bool set_number(struct whyrst_value *value, double number)
{
    value->number = number;
    return true;
}

static bool get_text(const struct whyrst_finding *f, enum whyrst_finding_field field,
                     struct whyrst_value *value)
{
    switch (field) {
    case WHYRST_FINDING_FIELD_KIND:
        return set_text(value, whyrst_finding_kind_name(f->kind));
    case WHYRST_FINDING_FIELD_TEXT:
        return set_text(value, f->text);
    case WHYRST_FINDING_FIELD_CONFIDENCE:
        return set_text(value, whyrst_confidence_name(f->confidence));
    case WHYRST_FINDING_FIELD_SENDER:
        return f->has_sender && set_text(value, whyrst_sender_name(f->sender));
    case WHYRST_FINDING_FIELD_SERVER:
        return set_text(value, f->server);
    case WHYRST_FINDING_FIELD_CLIENT:
        return set_text(value, f->client);
    case WHYRST_FINDING_FIELD_SNI:
        return set_text(value, f->sni);
    case WHYRST_FINDING_FIELD_JA4:
        return set_text(value, f->ja4);
    case WHYRST_FINDING_FIELD_FRAMES_FILE:
        return set_text(value, f->frames_file);
    case WHYRST_FINDING_FIELD_OPEN:
        return set_text(value, f->open);
    case WHYRST_FINDING_FIELD_ADVICE:
        return set_text(value, f->advice);
    default:
        return false;
    }
}

static bool get_figure(const struct whyrst_finding *f, enum whyrst_finding_field field,
                       struct whyrst_value *value)
{
    switch (field) {
    case WHYRST_FINDING_FIELD_RANK:
        return set_count(value, f->rank);
    case WHYRST_FINDING_FIELD_RESETS:
        return set_count(value, f->resets);
    case WHYRST_FINDING_FIELD_CONNECTIONS:
        return set_count(value, f->connections);
    case WHYRST_FINDING_FIELD_RATE:
        return f->connections && set_number(value, f->share.rate);
    case WHYRST_FINDING_FIELD_RATE_LOW:
        return f->connections && set_number(value, f->share.low);
    case WHYRST_FINDING_FIELD_RATE_HIGH:
        return f->connections && set_number(value, f->share.high);
    case WHYRST_FINDING_FIELD_OTHER_RESETS:
        return f->has_others && set_count(value, f->other_resets);
    case WHYRST_FINDING_FIELD_OTHER_CONNECTIONS:
        return f->has_others && set_count(value, f->other_connections);
    case WHYRST_FINDING_FIELD_P_VALUE:
        return f->p >= 0 && set_number(value, f->p);
    case WHYRST_FINDING_FIELD_SECONDS:
        return set_time(value, f->seconds_ns);
    case WHYRST_FINDING_FIELD_FIRST_TIME:
        return set_time(value, f->first_ns);
    case WHYRST_FINDING_FIELD_LAST_TIME:
        return set_time(value, f->last_ns);
    case WHYRST_FINDING_FIELD_EVIDENCE:
        value->strings = (const char *const *)f->evidence->pdata;
        value->count = f->evidence->len;
        return f->evidence->len > 0;
    case WHYRST_FINDING_FIELD_FRAMES:
        value->numbers = f->frames;
        value->count = f->frame_count;
        return f->frame_count > 0;
    default:
        return false;
    }
}

bool whyrst_finding_get(const struct whyrst_finding *finding, enum whyrst_finding_field field,
                        struct whyrst_value *value)
{
    struct whyrst_value got = {0};

    if ((unsigned)field >= WHYRST_FINDING_FIELD_COUNT) {
        return false;
    }
    got.type = columns[field].type;
    if (!get_text(finding, field, &got) && !get_figure(finding, field, &got)) {
        return false;
    }
    *value = got;
    return true;
}
