/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* The CMOS clock, read once at start-up. Source: MC146818A data sheet. */
#include <hv/lib.h>
#include <arch/cpu.h>
#include <arch/timer.h>

#define RTC_SECONDS  0x00
#define RTC_MINUTES  0x02
#define RTC_HOURS    0x04
#define RTC_DAY      0x07
#define RTC_MONTH    0x08
#define RTC_YEAR     0x09
#define RTC_REG_A    0x0a
#define RTC_REG_B    0x0b
#define RTC_UPDATING 0x80
#define RTC_BINARY   0x04
#define RTC_24H      0x02

struct rtc_time {
	unsigned int sec, min, hour, day, month, year;
};

static uint8_t __init cmos_read(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static unsigned int __init value(unsigned int raw, bool binary)
{
	return binary ? raw : (raw >> 4) * 10 + (raw & 15);
}

static struct rtc_time __init read_once(void)
{
	uint8_t b = cmos_read(RTC_REG_B), hour;
	bool binary = b & RTC_BINARY;
	struct rtc_time t;

	while (cmos_read(RTC_REG_A) & RTC_UPDATING)
		;
	hour = cmos_read(RTC_HOURS);
	t = (struct rtc_time){
		.sec = value(cmos_read(RTC_SECONDS), binary),
		.min = value(cmos_read(RTC_MINUTES), binary),
		.hour = value(hour & 0x7f, binary),
		.day = value(cmos_read(RTC_DAY), binary),
		.month = value(cmos_read(RTC_MONTH), binary),
		.year = 2000 + value(cmos_read(RTC_YEAR), binary),
	};
	if (!(b & RTC_24H))
		t.hour = t.hour % 12 + (hour & 0x80 ? 12 : 0);
	return t;
}

/* Days since 1970-01-01 in the Gregorian calendar, years counted from March. */
static uint64_t __init days_since_epoch(const struct rtc_time *t)
{
	unsigned int y = t->year - (t->month <= 2), m = (t->month + 9) % 12;

	return 365UL * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + t->day - 1 - 719468;
}

uint64_t __init arch_read_rtc(void)
{
	struct rtc_time t, again = read_once();

	/* Twice the same, or it changed under our hands. */
	do {
		t = again;
		again = read_once();
	} while (memcmp(&t, &again, sizeof(t)));
	return ((days_since_epoch(&t) * 24 + t.hour) * 60 + t.min) * 60 + t.sec;
}
