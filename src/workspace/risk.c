/* SPDX-License-Identifier: Apache-2.0 */
/*
 * risk.c - which changes may act on the host later; see risk.h.
 *
 * A pattern is a row of components. A star in one stands for any bytes; there is one, or one at
 * either end. A pattern counts from any folder, and what is beneath a match is a match.
 */
#include "workspace/risk.h"

#include <string.h>

#include "base/error.h"
#include "base/utf8.h"

struct rule {
	const char *pattern;
	enum change_risk risk;
	const char *why;
};

/* The first that matches counts. */
static const struct rule rules[] = {
	{".git/hooks", RISK_AUTOMATIC, "a hook that git runs"},
	{".git/config", RISK_AUTOMATIC, "git's settings can name programs that it runs"},
	{".git/config.worktree", RISK_AUTOMATIC, "git's settings can name programs that it runs"},
	{".git/info/attributes", RISK_AUTOMATIC, "chooses programs that git runs on files"},
	{".git/modules", RISK_AUTOMATIC, "a repository of its own, with hooks and settings"},
	{".git/worktrees", RISK_AUTOMATIC, "leads git to settings and hooks elsewhere"},
	{".git/commondir", RISK_AUTOMATIC, "leads git to settings and hooks elsewhere"},
	{".git/objects/info/alternates", RISK_AUTOMATIC, "leads git to another repository"},
	{".git", RISK_TOOL, "part of a git repository"},
	{".gitmodules", RISK_TOOL, "names repositories that git fetches"},
	{".gitattributes", RISK_TOOL, "chooses programs that git runs on files"},
	{".hg/hgrc", RISK_AUTOMATIC, "hooks and programs that Mercurial runs"},
	{".svn", RISK_TOOL, "part of a Subversion working copy"},
	{".husky", RISK_AUTOMATIC, "hooks that git runs"},
	{".githooks", RISK_AUTOMATIC, "hooks that git may run"},
	{".pre-commit-config.y*", RISK_AUTOMATIC, "hooks that git runs"},
	{"lefthook.y*", RISK_AUTOMATIC, "hooks that git runs"},
	{".envrc", RISK_AUTOMATIC, "run by direnv when the folder is entered"},
	{".env", RISK_TOOL, "variables that tools take over"},
	{".vscode", RISK_AUTOMATIC, "tasks and settings that an editor obeys"},
	{".idea", RISK_AUTOMATIC, "tasks and settings that an editor obeys"},
	{".zed", RISK_AUTOMATIC, "tasks and settings that an editor obeys"},
	{"*.code-workspace", RISK_AUTOMATIC, "tasks and settings that an editor obeys"},
	{".devcontainer", RISK_AUTOMATIC, "commands that an editor runs"},
	{".devcontainer.json", RISK_AUTOMATIC, "commands that an editor runs"},
	{".exrc", RISK_AUTOMATIC, "commands that vi obeys"},
	{".nvimrc", RISK_AUTOMATIC, "commands that an editor obeys"},
	{".nvim.lua", RISK_AUTOMATIC, "commands that an editor obeys"},
	{".vimrc", RISK_AUTOMATIC, "commands that an editor obeys"},
	{".lvimrc", RISK_AUTOMATIC, "commands that an editor obeys"},
	{".dir-locals*", RISK_AUTOMATIC, "settings that Emacs obeys"},
	{".gdbinit", RISK_AUTOMATIC, "commands that gdb obeys"},
	{".lldbinit", RISK_AUTOMATIC, "commands that lldb obeys"},
	{".bashrc", RISK_AUTOMATIC, "run by a shell"},
	{".bash_*", RISK_AUTOMATIC, "run by a shell"},
	{".profile", RISK_AUTOMATIC, "run by a shell"},
	{".zsh*", RISK_AUTOMATIC, "run by a shell"},
	{".zprofile", RISK_AUTOMATIC, "run by a shell"},
	{".zlogin", RISK_AUTOMATIC, "run by a shell"},
	{".kshrc", RISK_AUTOMATIC, "run by a shell"},
	{".inputrc", RISK_AUTOMATIC, "obeyed by shells"},
	{".config/fish", RISK_AUTOMATIC, "run by a shell"},
	{".config/autostart", RISK_AUTOMATIC, "started with the desktop"},
	{".config/systemd", RISK_AUTOMATIC, "started by systemd"},
	{".config/git", RISK_AUTOMATIC, "git's settings can name programs that it runs"},
	{".gitconfig", RISK_AUTOMATIC, "git's settings can name programs that it runs"},
	{".ssh", RISK_AUTOMATIC, "keys and settings of ssh"},
	{".direnvrc", RISK_AUTOMATIC, "run by direnv"},
	{".xprofile", RISK_AUTOMATIC, "run at login"},
	{".xinitrc", RISK_AUTOMATIC, "run at login"},
	{".pam_environment", RISK_AUTOMATIC, "obeyed at login"},
	{"*.desktop", RISK_AUTOMATIC, "starts a program when it is opened"},
	{".mcp.json", RISK_AUTOMATIC, "programs that an agent starts"},
	{".cursor", RISK_AUTOMATIC, "settings that an agent obeys"},
	{".cursorrules", RISK_AUTOMATIC, "instructions that an agent obeys"},
	{".claude", RISK_AUTOMATIC, "settings that an agent obeys"},
	{".codex", RISK_AUTOMATIC, "settings that an agent obeys"},
	{".gemini", RISK_AUTOMATIC, "settings that an agent obeys"},
	{".windsurf*", RISK_AUTOMATIC, "instructions that an agent obeys"},
	{".clinerules", RISK_AUTOMATIC, "instructions that an agent obeys"},
	{".aider*", RISK_AUTOMATIC, "settings that an agent obeys"},
	{"CLAUDE*.md", RISK_AUTOMATIC, "instructions that an agent obeys"},
	{"AGENTS*.md", RISK_AUTOMATIC, "instructions that an agent obeys"},
	{"GEMINI.md", RISK_AUTOMATIC, "instructions that an agent obeys"},
	{".github/copilot-instructions.md", RISK_AUTOMATIC, "instructions that an agent obeys"},
	{".github/workflows", RISK_AUTOMATIC, "run by a CI service"},
	{".github/actions", RISK_AUTOMATIC, "run by a CI service"},
	{".gitlab-ci*", RISK_AUTOMATIC, "run by a CI service"},
	{".gitlab/ci", RISK_AUTOMATIC, "run by a CI service"},
	{".circleci", RISK_AUTOMATIC, "run by a CI service"},
	{".buildkite", RISK_AUTOMATIC, "run by a CI service"},
	{".woodpecker*", RISK_AUTOMATIC, "run by a CI service"},
	{".drone.y*", RISK_AUTOMATIC, "run by a CI service"},
	{".travis.y*", RISK_AUTOMATIC, "run by a CI service"},
	{".cirrus*", RISK_AUTOMATIC, "run by a CI service"},
	{".ci", RISK_AUTOMATIC, "run by a CI service"},
	{"azure-pipelines*", RISK_AUTOMATIC, "run by a CI service"},
	{"bitbucket-pipelines*", RISK_AUTOMATIC, "run by a CI service"},
	{"Jenkinsfile*", RISK_AUTOMATIC, "run by a CI service"},
	{"*.pth", RISK_AUTOMATIC, "run whenever Python starts"},
	{"sitecustomize.py", RISK_AUTOMATIC, "run whenever Python starts"},
	{"usercustomize.py", RISK_AUTOMATIC, "run whenever Python starts"},
	{"pyvenv.cfg", RISK_AUTOMATIC, "leads Python to other programs"},
	{".ironclawignore", RISK_TOOL, "chooses what a VM sees of this workspace"},
	{"conftest.py", RISK_TOOL, "run by pytest"},
	{"setup.py", RISK_TOOL, "run by Python's installers"},
	{"setup.cfg", RISK_TOOL, "obeyed by Python's tools"},
	{"pyproject.toml", RISK_TOOL, "obeyed by Python's tools"},
	{"tox.ini", RISK_TOOL, "commands that tox runs"},
	{"noxfile.py", RISK_TOOL, "run by nox"},
	{"Makefile*", RISK_TOOL, "commands that make runs"},
	{"GNUmakefile", RISK_TOOL, "commands that make runs"},
	{"*.mk", RISK_TOOL, "commands that make runs"},
	{"CMakeLists.txt", RISK_TOOL, "commands that cmake runs"},
	{"*.cmake", RISK_TOOL, "commands that cmake runs"},
	{"meson.build", RISK_TOOL, "commands that meson runs"},
	{"configure*", RISK_TOOL, "run by a build"},
	{"build.rs", RISK_TOOL, "run by cargo"},
	{"Cargo.toml", RISK_TOOL, "obeyed by cargo"},
	{".cargo", RISK_TOOL, "settings that name programs for cargo"},
	{"rust-toolchain*", RISK_TOOL, "chooses the compiler that cargo runs"},
	{"package.json", RISK_TOOL, "scripts that npm runs"},
	{"package-lock.json", RISK_TOOL, "what npm installs, and its scripts"},
	{"yarn.lock", RISK_TOOL, "what yarn installs, and its scripts"},
	{"pnpm-*", RISK_TOOL, "what pnpm installs, and its scripts"},
	{".npmrc", RISK_TOOL, "settings of npm"},
	{".yarnrc*", RISK_TOOL, "settings that name programs for yarn"},
	{".yarn", RISK_TOOL, "programs that yarn runs"},
	{".pnpmfile.cjs", RISK_TOOL, "run by pnpm"},
	{"node_modules", RISK_TOOL, "code that a build runs"},
	{"*.config.js", RISK_TOOL, "run by a build tool"},
	{"*.config.cjs", RISK_TOOL, "run by a build tool"},
	{"*.config.mjs", RISK_TOOL, "run by a build tool"},
	{"*.config.ts", RISK_TOOL, "run by a build tool"},
	{".eslintrc*", RISK_TOOL, "run by a linter"},
	{"Gemfile*", RISK_TOOL, "run by bundler"},
	{"Rakefile", RISK_TOOL, "run by rake"},
	{"*.gemspec", RISK_TOOL, "run by Ruby's tools"},
	{"composer.json", RISK_TOOL, "scripts that composer runs"},
	{"build.gradle*", RISK_TOOL, "run by gradle"},
	{"settings.gradle*", RISK_TOOL, "run by gradle"},
	{"gradle/wrapper", RISK_TOOL, "programs that gradle runs"},
	{"pom.xml", RISK_TOOL, "obeyed by maven"},
	{".mvn", RISK_TOOL, "settings and programs of maven"},
	{"*.csproj", RISK_TOOL, "obeyed by dotnet"},
	{"Directory.Build.*", RISK_TOOL, "obeyed by dotnet"},
	{"Dockerfile*", RISK_TOOL, "commands of an image build"},
	{"docker-compose*", RISK_TOOL, "containers that a tool starts"},
	{"compose.y*", RISK_TOOL, "containers that a tool starts"},
	{"Vagrantfile", RISK_TOOL, "run by vagrant"},
	{"justfile", RISK_TOOL, "commands that just runs"},
	{"Taskfile*", RISK_TOOL, "commands that task runs"},
	{"Procfile", RISK_TOOL, "commands that a tool starts"},
	{".tool-versions", RISK_TOOL, "chooses programs"},
	{"mise.toml", RISK_TOOL, "commands and variables of mise"},
	{".mise*", RISK_TOOL, "commands and variables of mise"},
	{"flake.nix", RISK_TOOL, "run by nix"},
	{"shell.nix", RISK_TOOL, "run by nix"},
	{"default.nix", RISK_TOOL, "run by nix"},
	{"BUILD.bazel", RISK_TOOL, "commands that bazel runs"},
	{".bazelrc", RISK_TOOL, "settings of bazel"},
	{"go.mod", RISK_TOOL, "what go fetches, and the toolchain that it runs"},
	{"*.so", RISK_TOOL, "a library that programs may load"},
	{"*.so.*", RISK_TOOL, "a library that programs may load"},
	{"*.dll", RISK_TOOL, "a library that programs may load"},
	{"*.dylib", RISK_TOOL, "a library that programs may load"},
};

/* Characters that HFS+ and others pass over in names. */
static bool is_ignorable(uint32_t cp)
{
	return (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x202a && cp <= 0x202e) ||
	       (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff || cp == 0xad || cp == 0x34f;
}

static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

/*
 * Without case and ignorable characters, and without dots and blanks at the end of a component;
 * U+212A and U+017F, which fold to k and s, included.
 */
static void fold(const char *path, char out[TAR_PATH_MAX_B + 1])
{
	size_t left = strlen(path), n = 0;

	while (left > 0) {
		uint32_t cp = 0;
		size_t take = utf8_decode(path, left, &cp);

		if (take <= 1) {
			take = 1;
			while (*path == '/' && n > 1 && (out[n - 1] == '.' || out[n - 1] == ' '))
				n--;
			out[n++] = lower(*path);
		} else if (cp == 0x212a || cp == 0x17f) {
			out[n++] = cp == 0x212a ? 'k' : 's';
		} else if (!is_ignorable(cp)) {
			memcpy(out + n, path, take);
			n += take;
		}
		path += take;
		left -= take;
	}
	while (n > 1 && (out[n - 1] == '.' || out[n - 1] == ' '))
		n--;
	out[n] = '\0';
}

static bool equals(const char *a, const char *folded, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (lower(a[i]) != folded[i])
			return false;
	}
	return true;
}

static bool component_fits(const char *p, size_t p_len, const char *c, size_t c_len)
{
	const char *star;
	size_t head, tail;

	if (p_len > 1 && p[0] == '*' && p[p_len - 1] == '*') {
		for (size_t i = 0; i + p_len - 2 <= c_len; i++) {
			if (equals(p + 1, c + i, p_len - 2))
				return true;
		}
		return false;
	}
	star = memchr(p, '*', p_len);
	if (!star)
		return c_len == p_len && equals(p, c, p_len);
	head = (size_t)(star - p);
	tail = p_len - head - 1;
	return c_len >= head + tail && equals(p, c, head) &&
	       equals(star + 1, c + c_len - tail, tail);
}

/* Whether the components of @pattern are the first ones of @path. */
static bool begins_with(const char *path, const char *pattern)
{
	for (;;) {
		size_t c = strcspn(path, "/"), p = strcspn(pattern, "/");

		if (!component_fits(pattern, p, path, c))
			return false;
		if (pattern[p] == '\0')
			return true;
		if (path[c] == '\0')
			return false;
		path += c + 1;
		pattern += p + 1;
	}
}

static bool rule_fits(const struct rule *rule, const char *path)
{
	while (!begins_with(path, rule->pattern)) {
		path += strcspn(path, "/");
		if (*path == '\0')
			return false;
		path++;
	}
	return true;
}

bool risk_link_leads_out(const char *path, const char *target)
{
	int depth = 0;

	if (target[0] == '/')
		return true;
	for (; *path; path++)
		depth += *path == '/';
	while (*target) {
		size_t n = strcspn(target, "/");

		if (n == 2 && target[0] == '.' && target[1] == '.')
			depth--;
		else if (n > 0 && !(n == 1 && target[0] == '.'))
			depth++;
		/* A way out and in again passes what is outside. */
		if (depth < 0)
			return true;
		target += n;
		target += *target == '/';
	}
	return false;
}

static void mark(struct change *change, enum change_risk risk, const char *why)
{
	change->risk = risk;
	change->why = why;
}

/* Without a file of this name git takes no folder for a repository, wherever it lies. */
static bool is_head(const char *folded)
{
	const char *name = strrchr(folded, '/');

	return strcmp(name ? name + 1 : folded, "head") == 0;
}

void risk_judge(struct change *change)
{
	char folded[TAR_PATH_MAX_B + 1];

	mark(change, RISK_NONE, NULL);
	change->odd_name = false;
	for (const char *p = change->path; *p; p++)
		change->odd_name |= *p < 0x20 || *p == 0x7f; /* bytes from 0x80 on are negative */
	if (change->kind == CHANGE_DELETED && change->before->type != TAR_FILE)
		return;
	fold(change->path, folded);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (rule_fits(&rules[i], folded)) {
			mark(change, rules[i].risk, rules[i].why);
			break;
		}
	}
	if (change->risk != RISK_AUTOMATIC && is_head(folded))
		mark(change, RISK_TOOL, "may make a git repository of the folder");
	if (!change->after)
		return;
	if (change->after->type == TAR_LINK &&
	    risk_link_leads_out(change->path, change->after->link))
		mark(change, RISK_LINK_OUT, "a link that leads out of the workspace");
	if (change->after->type == TAR_FILE && (change->mode & 0111) &&
	    change->risk != RISK_AUTOMATIC)
		mark(change, RISK_EXECUTABLE, "a file that can be executed");
}
