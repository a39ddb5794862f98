/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/*
 * Values as printable text, in the notation of Xen's tools: below 8 in octal,
 * other unprintable bytes in hexadecimal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore/tools/tools.h>

char *text_escape(const char *value, size_t len)
{
	char *text = malloc(len * 4 + 1), *p = text;

	for (size_t i = 0; text && i < len; i++) {
		unsigned char b = (unsigned char)value[i];

		switch (b) {
		case '\n':
			p += sprintf(p, "\\n");
			break;
		case '\r':
			p += sprintf(p, "\\r");
			break;
		case '\t':
			p += sprintf(p, "\\t");
			break;
		case '\\':
			p += sprintf(p, "\\\\");
			break;
		default:
			if (b >= 0x20 && b < 0x7f) {
				*p++ = (char)b;
			} else {
				p += sprintf(p, b < 8 ? "\\%03o" : "\\x%02x", b);
			}
		}
	}
	if (text) {
		*p = '\0';
	}
	return text;
}

static int digit(char c, int base)
{
	int d = c >= '0' && c <= '9'   ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : 99;

	return d < base ? d : -1;
}

/* Up to @max digits; how many there were. */
static int digits(const char *s, int base, int max, int *ret_value)
{
	int n = 0;

	*ret_value = 0;
	while (n < max && digit(s[n], base) >= 0) {
		*ret_value = *ret_value * base + digit(s[n], base);
		n++;
	}
	return n;
}

char *text_unescape(const char *text, size_t *ret_len)
{
	char *value = malloc(strlen(text) + 1), *p = value;
	int n, byte;

	if (!value) {
		return NULL;
	}
	while (*text) {
		if (*text != '\\' || !text[1]) {
			*p++ = *text++;
			continue;
		}
		text++;
		n = digits(text, 8, 3, &byte);
		if (n) {
			*p++ = (char)byte;
			text += n;
			continue;
		}
		if (*text == 'x') {
			n = digits(text + 1, 16, 2, &byte);
			*p++ = n ? (char)byte : 'x';
			text += 1 + n;
			continue;
		}
		*p++ = *text == 'n' ? '\n' : *text == 'r' ? '\r' : *text == 't' ? '\t' : *text;
		text++;
	}
	*p = '\0';
	*ret_len = (size_t)(p - value);
	return value;
}
