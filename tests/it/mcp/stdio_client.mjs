// SPDX-License-Identifier: Apache-2.0
// stdio_client.mjs FOLDER SDK MODE COMMAND [ARG...]: the official TypeScript client against
// `ironclaw mcp` on stdio. FOLDER has node_modules; SDK is 1 or 2; MODE is legacy, auto or modern
// (SDK 2). Prints the server's name; exits with 1 and why when something is wrong.
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";

const [folder, sdk, mode, command, ...args] = process.argv.slice(2);
const packages = `${pathToFileURL(folder)}/node_modules/@modelcontextprotocol`;
const { Client } = await import(sdk === "1" ? `${packages}/sdk/dist/esm/client/index.js` :
	`${packages}/client/dist/index.mjs`);
const { StdioClientTransport } = await import(sdk === "1" ?
	`${packages}/sdk/dist/esm/client/stdio.js` : `${packages}/client/dist/stdio.mjs`);

const errors = [];
const options = { capabilities: {} };
if (sdk === "2")
	options.versionNegotiation = { mode: mode === "modern" ? { pin: "2026-07-28" } : mode };
const client = new Client({ name: "stdio-client", version: "1" }, options);
client.onerror = (error) => errors.push(error);
const transport = new StdioClientTransport({
	command, args, stderr: "inherit",
	env: { IRONCLAW_HOME: process.env.IRONCLAW_HOME, PATH: process.env.PATH },
});
await client.connect(transport);

// What a tool call takes besides differs between the two.
const called = sdk === "1" ? [undefined] : [];
function call(name, input, options) {
	return client.callTool({ name, arguments: input }, ...called, options);
}

const tools = (await client.listTools()).tools.map((tool) => tool.name);
assert.deepEqual(tools, ["sandbox_run", "sandbox_exec", "sandbox_read", "sandbox_write",
	"sandbox_list"]);
assert.equal((await call("sandbox_run", { command: "echo hi" })).structuredContent.stdout, "hi\n");

// The client holds structured content against the schema by itself.
const odd = "a\u2028b\u0000c\u{1f600}\ud800\n".repeat(100);
await call("sandbox_write", { path: "d/f", content: odd });
const read = await call("sandbox_read", { path: "d/f" });
assert.equal(read.structuredContent.content, odd.replaceAll("\ud800", "\ufffd"));
assert.equal((await call("sandbox_list", { path: "d" })).structuredContent.entries[0].name, "f");

// Failures of a command, of arguments, of the protocol
const failed = await call("sandbox_exec", { command: "echo no >&2; exit 3" });
assert.equal(failed.isError, true);
assert.equal(JSON.parse(failed.content[0].text).stderr, "no\n");
assert.equal((await call("sandbox_exec", { command: 7 })).isError, true);
await assert.rejects(call("sandbox_none", {}));

// Many at once
const many = await Promise.all(Array.from({ length: 10 }, (_, i) =>
	call("sandbox_exec", { command: `echo ${i}` })));
assert.deepEqual(many.map((r) => r.structuredContent.stdout),
	Array.from({ length: 10 }, (_, i) => `${i}\n`));

// Longer than the client's patience, but for the progress
const progress = [];
const slow = await call("sandbox_exec", { command: "sleep 12; echo slow" }, {
	timeout: 8000, resetTimeoutOnProgress: true, onprogress: (p) => progress.push(p.progress),
});
assert.equal(slow.structuredContent.stdout, "slow\n");
assert(progress.length >= 2);

// Taken back
const abort = new AbortController();
setTimeout(() => abort.abort(), 1000);
await assert.rejects(call("sandbox_exec", { command: "sleep 1234" }, { signal: abort.signal }));
const left = await call("sandbox_exec", { command: "sleep 1; ps | grep -c '[s]leep 1234' || true" });
assert.equal(left.structuredContent.stdout, "0\n");

// Long output, and the rest of it
const long = await call("sandbox_exec", { command: "seq 1 100000" });
const link = long.content.find((block) => block.type === "resource_link");
const rest = await client.readResource({ uri: link.uri });
assert(rest.contents[0].text.endsWith("\n100000\n"));
assert.equal((await client.listResources()).resources.length, 1);
await assert.rejects(client.readResource({ uri: "ironclaw://output/99" }));

console.log(client.getServerVersion().name);
const start = performance.now();
await client.close();
// It was not killed: that would have been after two seconds.
assert(performance.now() - start < 2000, "it does not end");
assert.deepEqual(errors.filter((e) => !/abort/i.test(String(e))), []);
