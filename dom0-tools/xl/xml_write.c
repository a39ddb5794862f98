/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* Writes libvirt's domain XML. */
#include "dom0-tools/xl/xml.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/xl/xml_lib.h"

static const xmlChar *x(const char *text)
{
	return (const xmlChar *)text;
}

static void open_element(xmlTextWriter *w, const char *name)
{
	lx.xmlTextWriterStartElement(w, x(name));
}

static void close_element(xmlTextWriter *w)
{
	lx.xmlTextWriterEndElement(w);
}

static void put_attr(xmlTextWriter *w, const char *name, const char *value)
{
	lx.xmlTextWriterWriteAttribute(w, x(name), x(value));
}

static void put_text(xmlTextWriter *w, const char *name, const char *text)
{
	if (text)
		lx.xmlTextWriterWriteElement(w, x(name), x(text));
}

/* <name attr="value"/>, if there's a value. */
static void put_with(xmlTextWriter *w, const char *name, const char *attr, const char *value)
{
	if (!value)
		return;
	open_element(w, name);
	put_attr(w, attr, value);
	close_element(w);
}

static void put_number(xmlTextWriter *w, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	put_text(w, name, text);
}

/* ---- parts --------------------------------------------------------------------------- */

static void put_memory(xmlTextWriter *w, const struct domain_config *cfg)
{
	char text[24];

	open_element(w, "memory");
	put_attr(w, "unit", "KiB");
	snprintf(text, sizeof(text), "%" PRIu64, cfg->max_memory_kb);
	lx.xmlTextWriterWriteString(w, x(text));
	close_element(w);
	open_element(w, "currentMemory");
	put_attr(w, "unit", "KiB");
	snprintf(text, sizeof(text), "%" PRIu64, cfg->memory_kb);
	lx.xmlTextWriterWriteString(w, x(text));
	close_element(w);
}

static void put_vcpus(xmlTextWriter *w, const struct domain_config *cfg)
{
	char text[256];
	unsigned int i;

	open_element(w, "vcpu");
	snprintf(text, sizeof(text), "%u", cfg->vcpus);
	if (cfg->vcpus != cfg->max_vcpus)
		put_attr(w, "current", text);
	snprintf(text, sizeof(text), "%u", cfg->max_vcpus);
	lx.xmlTextWriterWriteString(w, x(text));
	close_element(w);
	if (!cfg->cpu_weight && !cfg->hard_affinity.nr)
		return;
	open_element(w, "cputune");
	if (cfg->cpu_weight)
		put_number(w, "shares", cfg->cpu_weight);
	for (i = 0; i < cfg->hard_affinity.nr; i++) {
		const struct domain_cpumap *map = &cfg->hard_affinity.maps[i];
		/* One more than there is, so that a full map isn't "all". */
		const struct cpu_host host = {.nr_cpus = map->nr + 1};

		if (!map->nr)
			continue;
		open_element(w, "vcpupin");
		snprintf(text, sizeof(text), "%u", i);
		put_attr(w, "vcpu", text);
		cpulist_format(map->bits, map->nr, &host, text, sizeof(text));
		put_attr(w, "cpuset", text);
		close_element(w);
	}
	close_element(w);
}

static void put_boot(xmlTextWriter *w, const struct domain_config *cfg)
{
	put_text(w, "bootloader", cfg->bootloader);
	if (cfg->nr_bootloader_args)
		put_text(w, "bootloader_args", cfg->bootloader_args[0]);
	open_element(w, "os");
	open_element(w, "type");
	put_attr(w, "arch", "x86_64");
	put_attr(w, "machine", "xenpv");
	lx.xmlTextWriterWriteString(w, x("linux"));
	close_element(w);
	put_text(w, "kernel", cfg->kernel);
	put_text(w, "initrd", cfg->ramdisk);
	put_text(w, "cmdline", cfg->cmdline);
	close_element(w);
}

static void put_disk(xmlTextWriter *w, const struct domain_disk *disk)
{
	bool block = disk->target && !strncmp(disk->target, "/dev/", 5);

	open_element(w, "disk");
	put_attr(w, "type", block ? "block" : "file");
	put_attr(w, "device", disk->cdrom ? "cdrom" : "disk");
	if (disk->format != DOMAIN_DISK_EMPTY)
		put_with(w, "driver", "type", domain_disk_format_name(disk->format));
	put_with(w, "backenddomain", "name", disk->backend_domain);
	put_with(w, "source", block ? "dev" : "file", disk->target);
	open_element(w, "target");
	put_attr(w, "dev", disk->vdev);
	put_attr(w, "bus", "xen");
	close_element(w);
	if (!disk->readwrite && !disk->cdrom) {
		open_element(w, "readonly");
		close_element(w);
	}
	close_element(w);
}

static void put_vif(xmlTextWriter *w, const struct domain_vif *vif)
{
	char text[24];

	open_element(w, "interface");
	put_attr(w, "type", vif->bridge ? "bridge" : "ethernet");
	if (vif->has_mac) {
		snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", vif->mac[0],
			 vif->mac[1], vif->mac[2], vif->mac[3], vif->mac[4], vif->mac[5]);
		put_with(w, "mac", "address", text);
	}
	put_with(w, "backenddomain", "name", vif->backend_domain);
	put_with(w, "source", "bridge", vif->bridge);
	put_with(w, "ip", "address", vif->ip);
	put_with(w, "script", "path", vif->script);
	put_with(w, "target", "dev", vif->vifname);
	put_with(w, "model", "type", vif->model);
	if (vif->mtu) {
		snprintf(text, sizeof(text), "%u", vif->mtu);
		put_with(w, "mtu", "size", text);
	}
	close_element(w);
}

static void put_devices(xmlTextWriter *w, const struct domain_config *cfg)
{
	unsigned int i;

	open_element(w, "devices");
	for (i = 0; i < cfg->nr_disks; i++)
		put_disk(w, &cfg->disks[i]);
	for (i = 0; i < cfg->nr_vifs; i++)
		put_vif(w, &cfg->vifs[i]);
	open_element(w, "console");
	put_attr(w, "type", "pty");
	open_element(w, "target");
	put_attr(w, "type", "xen");
	put_attr(w, "port", "0");
	close_element(w);
	close_element(w);
	close_element(w);
}

static void put_domain(xmlTextWriter *w, const struct domain_config *cfg)
{
	char uuid[UUID_STR_LEN];

	open_element(w, "domain");
	put_attr(w, "type", "xen");
	put_text(w, "name", cfg->name);
	if (cfg->has_uuid) {
		uuid_unparse_lower(cfg->uuid, uuid);
		put_text(w, "uuid", uuid);
	}
	put_memory(w, cfg);
	put_vcpus(w, cfg);
	put_boot(w, cfg);
	put_with(w, "clock", "offset", cfg->localtime ? "localtime" : "utc");
	put_text(w, "on_poweroff", domain_action_name(cfg->on_poweroff));
	put_text(w, "on_reboot", domain_action_name(cfg->on_reboot));
	put_text(w, "on_crash", domain_action_name(cfg->on_crash));
	put_devices(w, cfg);
	close_element(w);
}

int xml_write_config(const struct domain_config *cfg, char **ret_text, const char **ret_why)
{
	xmlTextWriter *w = NULL;
	xmlBuffer *buffer;
	const char *text;
	char *copy = NULL;

	if (xml_lib_load(ret_why))
		return -ENOPKG;
	buffer = lx.xmlBufferCreate();
	if (buffer)
		w = lx.xmlNewTextWriterMemory(buffer, 0);
	if (w) {
		lx.xmlTextWriterSetIndent(w, 1);
		lx.xmlTextWriterSetIndentString(w, x("  "));
		put_domain(w, cfg);
		lx.xmlFreeTextWriter(w); /* flushes */
		text = (const char *)lx.xmlBufferContent(buffer);
		copy = text ? strdup(text) : NULL;
	}
	lx.xmlBufferFree(buffer);
	if (!copy) {
		*ret_why = "out of memory";
		return -ENOMEM;
	}
	*ret_text = copy;
	return 0;
}
