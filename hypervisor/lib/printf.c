/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Formatted printing into a buffer. See hv/lib.h for the subset. */
#include <hv/lib.h>

struct out {
	char *buf;
	size_t size, len;
};

struct spec {
	bool left, plus, space, alt, zero;
	int width, precision; /* -1: none */
	int length; /* h: 1, hh: 2, l/z: 3, ll: 3 */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void pad(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_string(struct out *o, const struct spec *f, const char *s)
{
	int n;

	if (!s)
		s = "(null)";
	n = (int)strnlen(s, f->precision >= 0 ? (size_t)f->precision : 0x10000);
	if (!f->left)
		pad(o, ' ', f->width - n);
	for (int i = 0; i < n; i++)
		put(o, s[i]);
	if (f->left)
		pad(o, ' ', f->width - n);
}

static void put_char(struct out *o, const struct spec *f, char c)
{
	if (!f->left)
		pad(o, ' ', f->width - 1);
	put(o, c);
	if (f->left)
		pad(o, ' ', f->width - 1);
}

static void put_number(struct out *o, const struct spec *f, unsigned long long v, bool negative,
		       unsigned int base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char tmp[24] = "", prefix[3];
	int n = 0, np = 0, zeros;

	if (negative)
		prefix[np++] = '-';
	else if (f->plus || f->space)
		prefix[np++] = f->plus ? '+' : ' ';
	if (f->alt && base == 16 && v) {
		prefix[np++] = '0';
		prefix[np++] = upper ? 'X' : 'x';
	}
	/* Precision 0 leaves nothing of a 0. */
	for (; v || (!n && f->precision); v /= base)
		tmp[n++] = digits[v % base];
	zeros = f->precision - n;
	if (f->alt && base == 8 && zeros <= 0 && (!n || tmp[n - 1] != '0'))
		zeros = 1;
	if (f->precision < 0 && f->zero && !f->left)
		zeros = max(zeros, f->width - np - n);
	zeros = max(zeros, 0);
	if (!f->left)
		pad(o, ' ', f->width - np - zeros - n);
	for (int i = 0; i < np; i++)
		put(o, prefix[i]);
	pad(o, '0', zeros);
	for (int i = n; i--;)
		put(o, tmp[i]);
	if (f->left)
		pad(o, ' ', f->width - np - zeros - n);
}

static const char *parse_spec(const char *p, struct spec *f, va_list *ap)
{
	*f = (struct spec){.precision = -1};
	for (;; p++) {
		if (*p == '-')
			f->left = true;
		else if (*p == '+')
			f->plus = true;
		else if (*p == '#')
			f->alt = true;
		else if (*p == '0')
			f->zero = true;
		else if (*p == ' ')
			f->space = true;
		else
			break;
	}
	if (*p == '*') {
		f->width = va_arg(*ap, int);
		if (f->width < 0) {
			f->left = true;
			f->width = -f->width;
		}
		p++;
	} else {
		while (*p >= '0' && *p <= '9')
			f->width = f->width * 10 + (*p++ - '0');
	}
	if (*p == '.') {
		f->precision = 0;
		if (*++p == '*') {
			f->precision = va_arg(*ap, int);
			p++;
		} else {
			while (*p >= '0' && *p <= '9')
				f->precision = f->precision * 10 + (*p++ - '0');
		}
	}
	for (;; p++) {
		if (*p == 'l' || *p == 'z')
			f->length = 3;
		else if (*p == 'h')
			f->length++;
		else
			return p;
	}
}

static long long arg_signed(const struct spec *f, va_list *ap)
{
	if (f->length == 3)
		return va_arg(*ap, long long);
	if (f->length == 1)
		return (short)va_arg(*ap, int);
	if (f->length == 2)
		return (signed char)va_arg(*ap, int);
	return va_arg(*ap, int);
}

static unsigned long long arg_unsigned(const struct spec *f, va_list *ap)
{
	if (f->length == 3)
		return va_arg(*ap, unsigned long long);
	if (f->length == 1)
		return (unsigned short)va_arg(*ap, unsigned int);
	if (f->length == 2)
		return (unsigned char)va_arg(*ap, unsigned int);
	return va_arg(*ap, unsigned int);
}

static void convert(struct out *o, char c, struct spec *f, va_list *ap)
{
	long long v;

	switch (c) {
	case 'd':
	case 'i':
		v = arg_signed(f, ap);
		put_number(o, f, v < 0 ? -(unsigned long long)v : (unsigned long long)v, v < 0, 10,
			   false);
		break;
	case 'u':
		put_number(o, f, arg_unsigned(f, ap), false, 10, false);
		break;
	case 'o':
		put_number(o, f, arg_unsigned(f, ap), false, 8, false);
		break;
	case 'x':
	case 'X':
		put_number(o, f, arg_unsigned(f, ap), false, 16, c == 'X');
		break;
	case 'p':
		f->precision = 16;
		put_number(o, f, (uintptr_t)va_arg(*ap, void *), false, 16, false);
		break;
	case 'c':
		put_char(o, f, (char)va_arg(*ap, int));
		break;
	case 's':
		put_string(o, f, va_arg(*ap, const char *));
		break;
	case '%':
		put(o, '%');
		break;
	default: /* shown as it stands, so that the mistake is seen */
		put(o, '%');
		put(o, c);
		break;
	}
}

int hv_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap0)
{
	struct out o = {buf, size, 0};
	struct spec f;
	va_list ap;

	va_copy(ap, ap0);
	for (const char *p = fmt; *p; p++) {
		if (*p != '%') {
			put(&o, *p);
			continue;
		}
		p = parse_spec(p + 1, &f, &ap);
		if (!*p)
			break;
		convert(&o, *p, &f, &ap);
	}
	va_end(ap);
	if (size)
		buf[min(o.len, size - 1)] = 0;
	return (int)o.len;
}

int hv_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = hv_vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
