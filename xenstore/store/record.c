/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * (X8) Records as bytes: putting together, taking apart. See record.h.
 */
#include <stdlib.h>
#include <string.h>

#include <xenstore/store/record.h>
#include <xenstore/store/util.h>

static void __attribute__((noinline)) grow(struct rec *r, size_t len)
{
	size_t cap = r->cap ? r->cap : 512;

	while (cap - r->len < len) {
		cap *= 2;
	}
	r->data = store_realloc(r->data, cap);
	r->cap = cap;
}

static inline char *room(struct rec *r, size_t len)
{
	char *p;

	if (r->cap - r->len < len) {
		grow(r, len);
	}
	p = r->data + r->len;
	r->len += len;
	return p;
}

char *rec_room(struct rec *r, size_t len)
{
	return room(r, len);
}

void rec_begin(struct rec *r, char type)
{
	r->item = r->len;
	room(r, RECORD_HEAD)[4] = type;
}

void rec_end(struct rec *r)
{
	uint32_t len = (uint32_t)(r->len - r->item);

	memcpy(r->data + r->item, &len, sizeof(len));
}

void rec_u8(struct rec *r, unsigned int v)
{
	*room(r, 1) = (char)v;
}

void rec_u16(struct rec *r, unsigned int v)
{
	uint16_t x = (uint16_t)v;

	memcpy(room(r, sizeof(x)), &x, sizeof(x));
}

void rec_u32(struct rec *r, uint32_t v)
{
	memcpy(room(r, sizeof(v)), &v, sizeof(v));
}

void rec_u64(struct rec *r, uint64_t v)
{
	memcpy(room(r, sizeof(v)), &v, sizeof(v));
}

void rec_bytes(struct rec *r, const void *p, size_t len)
{
	rec_u32(r, (uint32_t)len);
	if (len) {
		memcpy(room(r, len), p, len);
	}
}

void rec_str(struct rec *r, const char *s)
{
	size_t len = strlen(s) + 1;

	rec_u16(r, (unsigned int)len);
	memcpy(room(r, len), s, len);
}

void rec_fini(struct rec *r)
{
	free(r->data);
	*r = (struct rec){NULL};
}

/* ---- taking apart -------------------------------------------------------- */

static const char *take(struct rec_in *in, size_t len)
{
	const char *p = in->p;

	if (in->bad || len > in->left) {
		in->bad = true;
		return NULL;
	}
	in->p += len;
	in->left -= len;
	return p;
}

static void get(struct rec_in *in, void *to, size_t len)
{
	const char *p = take(in, len);

	if (p) {
		memcpy(to, p, len);
	}
}

unsigned int rec_get_u8(struct rec_in *in)
{
	uint8_t v = 0;

	get(in, &v, sizeof(v));
	return v;
}

unsigned int rec_get_u16(struct rec_in *in)
{
	uint16_t v = 0;

	get(in, &v, sizeof(v));
	return v;
}

uint32_t rec_get_u32(struct rec_in *in)
{
	uint32_t v = 0;

	get(in, &v, sizeof(v));
	return v;
}

uint64_t rec_get_u64(struct rec_in *in)
{
	uint64_t v = 0;

	get(in, &v, sizeof(v));
	return v;
}

const void *rec_get_bytes(struct rec_in *in, size_t *ret_len)
{
	size_t len = rec_get_u32(in);
	const char *p = take(in, len);

	*ret_len = p ? len : 0;
	return p ? p : "";
}

const char *rec_get_str(struct rec_in *in)
{
	size_t len = rec_get_u16(in);
	const char *p = take(in, len);

	if (!p || !len || memchr(p, '\0', len) != p + len - 1) {
		in->bad = true;
		return "";
	}
	return p;
}

int rec_next(struct rec_in *in, struct rec_in *ret_item)
{
	uint32_t len;
	const char *p;

	if (!in->left) {
		return 0;
	}
	len = rec_get_u32(in);
	if (len < RECORD_HEAD) {
		return -1;
	}
	p = take(in, len - sizeof(len));
	if (!p || !*p) {
		return -1;
	}
	*ret_item = (struct rec_in){p + 1, len - RECORD_HEAD};
	return (unsigned char)*p;
}
