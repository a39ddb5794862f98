/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The Pavise authors */
/* (X8) Reads libvirt's domain XML by libxml2's tree. No network, no entities. */
#include "dom0-tools/xl/xml.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uuid/uuid.h>

#include "dom0-tools/libdomain/config.h"
#include "dom0-tools/xl/cfg_ast.h"
#include "dom0-tools/xl/xml_lib.h"

struct xml_read {
	const char *name;
	const struct cfg_report *report;
	const struct cpu_host *host;
	struct domain_config *cfg;
	bool failed, no_memory;
};

/* One element by name, inside one parent. */
struct element {
	const char *name;
	void (*read)(struct xml_read *r, xmlNode *node);
};

/* ---- access --------------------------------------------------------------------- */

static struct cfg_loc place(const xmlNode *node)
{
	return (struct cfg_loc){(int)lx.xmlGetLineNo(node), 1};
}

#define refuse(r, node, ...)                                                 \
	do {                                                                 \
		(r)->failed = true;                                          \
		cfg_error((r)->report, (r)->name, place(node), __VA_ARGS__); \
	} while (0)

static bool is(const xmlNode *node, const char *name)
{
	return !strcmp((const char *)node->name, name);
}

static void check(struct xml_read *r, int ret)
{
	r->no_memory |= ret == -ENOMEM;
}

/* An attribute's or (with @name NULL) the element's text, for free(); or NULL. */
static char *text_of(struct xml_read *r, xmlNode *node, const char *name)
{
	xmlChar *raw =
		name ? lx.xmlGetNoNsProp(node, (const xmlChar *)name) : lx.xmlNodeGetContent(node);
	char *start, *end, *copy;

	if (!raw)
		return NULL;
	start = (char *)raw + strspn((char *)raw, " \t\r\n");
	end = start + strlen(start);
	while (end > start && strchr(" \t\r\n", end[-1]))
		end--;
	copy = strndup(start, (size_t)(end - start));
	(*lx.xmlFree)(raw);
	r->no_memory |= !copy;
	return copy;
}

static bool attr_is(struct xml_read *r, xmlNode *node, const char *name, const char *value)
{
	char *text = text_of(r, node, name);
	bool same = text && !strcmp(text, value);

	free(text);
	return same;
}

static void take_text(struct xml_read *r, xmlNode *node, const char *name, char **field)
{
	char *text = text_of(r, node, name);

	if (!text)
		return;
	free(*field);
	*field = text;
}

static xmlNode *child(xmlNode *node, const char *name)
{
	xmlNode *c;

	for (c = lx.xmlFirstElementChild(node); c; c = lx.xmlNextElementSibling(c)) {
		if (is(c, name))
			return c;
	}
	return NULL;
}

static bool number_of(struct xml_read *r, xmlNode *node, const char *attr, unsigned long max,
		      unsigned long *ret_number)
{
	char *text = text_of(r, node, attr), *end = NULL;
	unsigned long number = 0;

	if (!text)
		return false;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || number > max) {
		refuse(r, node, "'%s' is not a number from 0 to %lu", text, max);
		free(text);
		return false;
	}
	free(text);
	*ret_number = number;
	return true;
}

/* Runs the table's functions over the children; warns about the others. */
static void each_child(struct xml_read *r, xmlNode *parent, const struct element *table)
{
	const struct element *e;
	xmlNode *node;

	for (node = lx.xmlFirstElementChild(parent); node; node = lx.xmlNextElementSibling(node)) {
		for (e = table; e->name && !is(node, e->name); e++)
			;
		if (e->name && e->read)
			e->read(r, node);
		else if (!e->name)
			cfg_warning(r->report, r->name, place(node),
				    "<%s> is ignored: it means nothing to a PV domain here",
				    (const char *)node->name);
	}
}

/* ---- general ----------------------------------------------------------------------- */

static void read_name(struct xml_read *r, xmlNode *node)
{
	take_text(r, node, NULL, &r->cfg->name);
}

static void read_uuid(struct xml_read *r, xmlNode *node)
{
	char *text = text_of(r, node, NULL);

	if (text && !uuid_parse(text, r->cfg->uuid))
		r->cfg->has_uuid = true;
	else if (text)
		refuse(r, node, "'%s' is not a UUID", text);
	free(text);
}

static void read_size(struct xml_read *r, xmlNode *node, uint64_t *field)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = {
		{"b", 1},
		{"bytes", 1},
		{"KB", 1000},
		{"k", 1 << 10},
		{"KiB", 1 << 10},
		{"MB", 1000000},
		{"M", 1 << 20},
		{"MiB", 1 << 20},
		{"GB", 1000000000},
		{"G", 1 << 30},
		{"GiB", 1 << 30},
		{"T", UINT64_C(1) << 40},
		{"TiB", UINT64_C(1) << 40},
	};
	char *unit = text_of(r, node, "unit");
	unsigned long number;
	uint64_t bytes;
	size_t i;

	for (i = 0; unit && i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(units[i].name, unit))
			break;
	}
	if (unit && i == sizeof(units) / sizeof(units[0]))
		refuse(r, node, "unknown unit '%s'", unit);
	else if (number_of(r, node, NULL, ULONG_MAX, &number)) {
		if (__builtin_mul_overflow(number, unit ? units[i].bytes : 1 << 10, &bytes))
			refuse(r, node, "too much memory");
		else
			*field = bytes >> 10;
	}
	free(unit);
}

static void read_memory(struct xml_read *r, xmlNode *node)
{
	read_size(r, node, &r->cfg->max_memory_kb);
}

static void read_current_memory(struct xml_read *r, xmlNode *node)
{
	read_size(r, node, &r->cfg->memory_kb);
}

static void read_vcpu(struct xml_read *r, xmlNode *node)
{
	char *cpuset = text_of(r, node, "cpuset");
	struct domain_cpumap map;
	unsigned long number;

	if (number_of(r, node, NULL, DOMAIN_MAX_VCPUS, &number))
		r->cfg->max_vcpus = (unsigned int)number;
	if (number_of(r, node, "current", DOMAIN_MAX_VCPUS, &number))
		r->cfg->vcpus = (unsigned int)number;
	if (cpuset && cpulist_parse(cpuset, r->host, &map, NULL)) {
		refuse(r, node, "'%s' is not a CPU list", cpuset);
	} else if (cpuset) {
		check(r, domain_affinity_set_all(&r->cfg->hard_affinity, &map,
						 r->cfg->max_vcpus ? r->cfg->max_vcpus : 1));
		domain_cpumap_fini(&map);
	}
	free(cpuset);
}

static void read_shares(struct xml_read *r, xmlNode *node)
{
	unsigned long number;

	if (number_of(r, node, NULL, DOMAIN_SCHED_WEIGHT_MAX, &number))
		r->cfg->cpu_weight = (unsigned int)number;
}

static void read_vcpupin(struct xml_read *r, xmlNode *node)
{
	struct domain_affinity *aff = &r->cfg->hard_affinity;
	char *cpuset = text_of(r, node, "cpuset");
	struct domain_cpumap map, *grown;
	unsigned long vcpu;

	if (!cpuset || !number_of(r, node, "vcpu", DOMAIN_MAX_VCPUS - 1, &vcpu)) {
		refuse(r, node, "<vcpupin> needs vcpu and cpuset");
	} else if (cpulist_parse(cpuset, r->host, &map, NULL)) {
		refuse(r, node, "'%s' is not a CPU list", cpuset);
	} else {
		if (vcpu >= aff->nr) {
			grown = reallocarray(aff->maps, vcpu + 1, sizeof(*grown));
			if (!grown) {
				r->no_memory = true;
				domain_cpumap_fini(&map);
				free(cpuset);
				return;
			}
			memset(grown + aff->nr, 0, (vcpu + 1 - aff->nr) * sizeof(*grown));
			aff->maps = grown;
			aff->nr = (unsigned int)vcpu + 1;
		}
		domain_cpumap_fini(&aff->maps[vcpu]);
		aff->maps[vcpu] = map;
	}
	free(cpuset);
}

static void read_cputune(struct xml_read *r, xmlNode *node)
{
	static const struct element table[] = {
		{"shares", read_shares}, {"vcpupin", read_vcpupin}, {0}};

	each_child(r, node, table);
}

static void read_clock(struct xml_read *r, xmlNode *node)
{
	char *offset = text_of(r, node, "offset");

	if (offset && !strcmp(offset, "localtime"))
		r->cfg->localtime = true;
	else if (offset && strcmp(offset, "utc") && strcmp(offset, "variable"))
		refuse(r, node, "unknown clock offset '%s'", offset);
	free(offset);
}

static void read_action(struct xml_read *r, xmlNode *node)
{
	enum domain_action *action = is(node, "on_poweroff") ? &r->cfg->on_poweroff
				     : is(node, "on_reboot") ? &r->cfg->on_reboot
							     : &r->cfg->on_crash;
	char *text = text_of(r, node, NULL);

	if (text && domain_action_parse(text, action))
		refuse(r, node, "unknown action '%s' for %s", text, (const char *)node->name);
	free(text);
}

/* ---- boot ----------------------------------------------------------------------------- */

static void read_os_type(struct xml_read *r, xmlNode *node)
{
	char *text = text_of(r, node, NULL);

	if (text && strcmp(text, "linux") && strcmp(text, "xen") && strcmp(text, "xenpv"))
		refuse(r, node,
		       "os type '%s' is not supported: this hypervisor runs PV domains only", text);
	free(text);
}

static void read_kernel(struct xml_read *r, xmlNode *node)
{
	take_text(r, node, NULL, &r->cfg->kernel);
}

static void read_initrd(struct xml_read *r, xmlNode *node)
{
	take_text(r, node, NULL, &r->cfg->ramdisk);
}

static void read_cmdline(struct xml_read *r, xmlNode *node)
{
	take_text(r, node, NULL, &r->cfg->cmdline);
}

static void read_os(struct xml_read *r, xmlNode *node)
{
	static const struct element table[] = {{"type", read_os_type},
					       {"kernel", read_kernel},
					       {"initrd", read_initrd},
					       {"cmdline", read_cmdline},
					       {0}};

	each_child(r, node, table);
}

static void read_bootloader(struct xml_read *r, xmlNode *node)
{
	take_text(r, node, NULL, &r->cfg->bootloader);
}

static void read_bootloader_args(struct xml_read *r, xmlNode *node)
{
	struct domain_config *cfg = r->cfg;
	char *text = text_of(r, node, NULL);

	if (!text || cfg->bootloader_args) {
		free(text);
		return;
	}
	cfg->bootloader_args = calloc(1, sizeof(char *));
	if (!cfg->bootloader_args) {
		r->no_memory = true;
		free(text);
		return;
	}
	cfg->bootloader_args[0] = text;
	cfg->nr_bootloader_args = 1;
}

/* ---- devices ---------------------------------------------------------------------------- */

static void read_disk(struct xml_read *r, xmlNode *node)
{
	xmlNode *source = child(node, "source"), *target = child(node, "target");
	xmlNode *driver = child(node, "driver"), *backend = child(node, "backenddomain");
	struct domain_disk *disk;
	char *format;

	if (domain_config_add_disk(r->cfg, &disk)) {
		r->no_memory = true;
		return;
	}
	disk->cdrom = disk->removable = attr_is(r, node, "device", "cdrom");
	disk->readwrite = !disk->cdrom && !child(node, "readonly");
	if (source) {
		take_text(r, source, attr_is(r, node, "type", "block") ? "dev" : "file",
			  &disk->target);
	}
	if (target)
		take_text(r, target, "dev", &disk->vdev);
	if (backend)
		take_text(r, backend, "name", &disk->backend_domain);
	format = driver ? text_of(r, driver, "type") : NULL;
	if (format && domain_disk_format_parse(format, &disk->format))
		refuse(r, driver, "unknown disk format '%s'", format);
	free(format);
	if (!disk->target)
		disk->format = DOMAIN_DISK_EMPTY;
	if (!disk->vdev)
		refuse(r, node, "the disk has no <target dev=...>");
}

static void read_interface(struct xml_read *r, xmlNode *node)
{
	xmlNode *mac = child(node, "mac"), *source = child(node, "source"), *c;
	struct domain_vif *vif;
	unsigned long mtu;
	char *text;

	if (domain_config_add_vif(r->cfg, &vif)) {
		r->no_memory = true;
		return;
	}
	text = mac ? text_of(r, mac, "address") : NULL;
	if (text && domain_mac_parse(text, vif->mac))
		refuse(r, mac, "'%s' is not a MAC address", text);
	vif->has_mac = text != NULL;
	free(text);
	if (source && attr_is(r, node, "type", "bridge"))
		take_text(r, source, "bridge", &vif->bridge);
	c = child(node, "script");
	if (c)
		take_text(r, c, "path", &vif->script);
	c = child(node, "target");
	if (c)
		take_text(r, c, "dev", &vif->vifname);
	c = child(node, "ip");
	if (c)
		take_text(r, c, "address", &vif->ip);
	c = child(node, "model");
	if (c)
		take_text(r, c, "type", &vif->model);
	c = child(node, "backenddomain");
	if (c)
		take_text(r, c, "name", &vif->backend_domain);
	c = child(node, "mtu");
	if (c && number_of(r, c, "size", 65535, &mtu))
		vif->mtu = (unsigned int)mtu;
}

static void read_devices(struct xml_read *r, xmlNode *node)
{
	static const struct element table[] = {{"disk", read_disk},
					       {"interface", read_interface},
					       {"console", NULL},
					       {"emulator", NULL},
					       {0}};

	each_child(r, node, table);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void read_domain(struct xml_read *r, xmlNode *root)
{
	static const struct element table[] = {
		{"name", read_name},
		{"uuid", read_uuid},
		{"memory", read_memory},
		{"currentMemory", read_current_memory},
		{"vcpu", read_vcpu},
		{"cputune", read_cputune},
		{"os", read_os},
		{"bootloader", read_bootloader},
		{"bootloader_args", read_bootloader_args},
		{"clock", read_clock},
		{"on_poweroff", read_action},
		{"on_reboot", read_action},
		{"on_crash", read_action},
		{"devices", read_devices},
		{"title", NULL},
		{"description", NULL},
		{"metadata", NULL},
		{0},
	};
	char *type;

	if (!is(root, "domain")) {
		refuse(r, root, "the document is a <%s>, not a <domain>", (const char *)root->name);
		return;
	}
	type = text_of(r, root, "type");
	if (type && strcmp(type, "xen"))
		refuse(r, root, "the domain's type is '%s', not 'xen'", type);
	free(type);
	each_child(r, root, table);
}

bool xml_looks_like(const char *text, size_t len)
{
	size_t i = 0;

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		i = 3;
	while (i < len && strchr(" \t\r\n", text[i]) && text[i])
		i++;
	return i < len && text[i] == '<';
}

int xml_read_config(const char *name, const char *text, size_t len, const struct cpu_host *host,
		    const struct cfg_report *report, struct domain_config *cfg)
{
	struct xml_read r = {.name = name, .report = report, .host = host, .cfg = cfg};
	const xmlError *err;
	xmlParserCtxt *parser;
	xmlDoc *doc = NULL;
	xmlNode *root;
	const char *why;
	int last;

	if (xml_lib_load(&why)) {
		cfg_error(report, name, (struct cfg_loc){0, 0}, "no XML without libxml2: %s", why);
		return -EINVAL;
	}
	if (len > INT_MAX)
		return -EINVAL;
	parser = lx.xmlNewParserCtxt();
	if (!parser)
		return -ENOMEM;
	doc = lx.xmlCtxtReadMemory(parser, text, (int)len, name, NULL,
				   XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
					   XML_PARSE_NOBLANKS);
	root = doc ? lx.xmlDocGetRootElement(doc) : NULL;
	if (root) {
		read_domain(&r, root);
	} else {
		struct cfg_loc at = {0, 0};

		err = lx.xmlCtxtGetLastError(parser);
		if (err)
			at = (struct cfg_loc){err->line, err->int2};
		last = err && err->message ? (int)strcspn(err->message, "\n") : 0;
		r.failed = true;
		cfg_error(report, name, at, "not well-formed XML: %.*s", last,
			  last ? err->message : "");
	}
	lx.xmlFreeDoc(doc);
	lx.xmlFreeParserCtxt(parser);
	return r.no_memory ? -ENOMEM : r.failed ? -EINVAL : 0;
}
