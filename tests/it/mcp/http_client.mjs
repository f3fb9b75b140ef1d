// SPDX-License-Identifier: Apache-2.0
// http_client.mjs FOLDER SDK MODE URL [TOKEN]: the official TypeScript client against the fixtures of
// conformance_server.c over HTTP. FOLDER has node_modules; SDK is 1 or 2; MODE is legacy, auto or
// modern (SDK 2). Prints the revision it ended with; exits with 1 and why when something is wrong.
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";

const [folder, sdk, mode, url, token] = process.argv.slice(2);
const packages = `${pathToFileURL(folder)}/node_modules/@modelcontextprotocol`;
let Client, Transport, onElicit;

if (sdk === "1") {
	({ Client } = await import(`${packages}/sdk/dist/esm/client/index.js`));
	({ StreamableHTTPClientTransport: Transport } =
		await import(`${packages}/sdk/dist/esm/client/streamableHttp.js`));
	const { ElicitRequestSchema } = await import(`${packages}/sdk/dist/esm/types.js`);
	onElicit = (client, handler) => client.setRequestHandler(ElicitRequestSchema, handler);
} else {
	({ Client, StreamableHTTPClientTransport: Transport } =
		await import(`${packages}/client/dist/index.mjs`));
	onElicit = (client, handler) => client.setRequestHandler("elicitation/create", handler);
}

function text(result) {
	return result.content[0].text;
}

async function until(what) {
	for (let i = 0; i < 100 && !(await what()); i++)
		await new Promise((done) => setTimeout(done, 50));
	assert(await what(), "it did not come to pass");
}

let listChanged = 0;
const errors = [];
const options = {
	capabilities: { elicitation: {} },
	listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => listChanged++ } },
};
if (sdk === "2")
	options.versionNegotiation = { mode: mode === "modern" ? { pin: "2026-07-28" } : mode };
const client = new Client({ name: "http-client", version: "1" }, options);
client.onerror = (error) => errors.push(error);
onElicit(client, async () => ({ action: "accept", content: { name: "Alice", username: "a", email: "b@c" } }));
const transport = new Transport(new URL(url), {
	requestInit: token ? { headers: { Authorization: `Bearer ${token}` } } : {},
});
await client.connect(transport);
const modern = sdk === "2" && mode !== "legacy";

const tools = (await client.listTools()).tools.map((tool) => tool.name);
assert(tools.includes("test_simple_text"));
assert.match(text(await client.callTool({ name: "test_simple_text" })), /simple text/);

// Progress, in order
const progress = [];
const called = sdk === "1" ? [undefined] : [];
await client.callTool({ name: "test_tool_with_progress" }, ...called,
	{ onprogress: (p) => progress.push(p.progress) });
assert.deepEqual(progress, [0, 50, 100]);

// Input of the user: asked in the stream, or by input_required
assert.match(text(await client.callTool(modern ?
	{ name: "test_input_required_result_elicitation" } :
	{ name: "test_elicitation", arguments: { message: "who?" } })), modern ? /Hello/ : /accept/);

// Many at once
const many = await Promise.all(Array.from({ length: 20 }, (_, i) =>
	client.callTool({ name: "test_sleep", arguments: { ms: 100 + (i % 5) * 20 } })));
assert(many.every((result) => text(result) === "slept"));

// Cancelled by the client
async function cancelled() {
	return Number(/cancelled (\d+)/.exec(text(await client.callTool({ name: "test_counts" })))[1]);
}
const before = await cancelled();
const abort = new AbortController();
setTimeout(() => abort.abort(), 200);
await assert.rejects(client.callTool({ name: "test_sleep", arguments: { ms: 60000 } }, ...called,
	{ signal: abort.signal }));
await until(async () => (await cancelled()) === before + 1);

// Big, and failing
assert.equal(text(await client.callTool({ name: "test_big", arguments: { kib: 2000 } })).length,
	2000 * 1024);
assert.equal((await client.callTool({ name: "test_error_handling" })).isError, true);
await assert.rejects(client.callTool({ name: "no_such_tool" }));
assert.equal((await client.readResource({ uri: "test://static-text" })).contents.length, 1);
await assert.rejects(client.readResource({ uri: "test://none" }));

// What is said without being asked
await until(async () => {
	await client.callTool({ name: "test_trigger_tool_change" });
	return listChanged > 0;
});

if (!modern) {
	// The stream is ended by the server in the middle; the client comes back for the rest.
	assert.match(text(await client.callTool({ name: "test_reconnection" })), /successfully/);
	await transport.terminateSession();
}
console.log(modern ? "2026-07-28" : transport.protocolVersion);
await client.close();
assert.deepEqual(errors.filter((e) => !/abort/i.test(String(e))), []);
