# SPDX-License-Identifier: Apache-2.0
"""model_dialects.py - what model_server.py says, in both dialects, and the rules that it holds
requests against.

Quirks of OpenAI-compatible servers, by name: index0 (every call has index 0), no_index, no_id,
new_ids (another id in every fragment), empty_names (later fragments have an empty name), one_delta
(a call in a single fragment), interleave (fragments of all calls in turn), null_arguments,
object_arguments, no_done ([DONE] is missing), no_usage, empty_choices (a chunk without choices
first), reasoning_details (instead of reasoning_content).
Of both: comments, crlf, no_blank_end (the last empty line is missing).
"""
import itertools
import json


def text_of(content):
    if isinstance(content, str):
        return content
    return "".join(block.get("text", "") for block in content or [])


def last_tool(body):
    for message in reversed(body.get("messages", [])):
        if message.get("role") == "tool":
            return text_of(message["content"])
        for block in reversed(message["content"] if isinstance(message.get("content"), list) else []):
            if block.get("type") == "tool_result":
                return text_of(block.get("content"))
    return ""


def last_user(body):
    for message in reversed(body.get("messages", [])):
        if message.get("role") == "user" and text_of(message["content"]):
            return text_of(message["content"])
    return ""


# The order rules.

def check_openai(headers, body, need_key):
    if need_key and not headers.get("authorization", "").startswith("Bearer "):
        return "no key"
    if not body.get("model") or not body.get("messages"):
        return "model and messages are required"
    if "tool_choice" in body and not body.get("tools"):
        return "tool_choice without tools"
    open_ids = []
    for message in body["messages"]:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_ids:
                return "a tool message that follows no call of its id"
            open_ids.remove(message["tool_call_id"])
            if not isinstance(message.get("content"), str):
                return "a tool message needs text"
            continue
        if open_ids:
            return "calls without a tool message"
        for call in message.get("tool_calls", []):
            if not isinstance(json.loads(call["function"]["arguments"]), dict):
                return "arguments that are no object"
            open_ids.append(call["id"])
        if message["role"] not in ("system", "user", "assistant"):
            return "an unknown role"
        if not message.get("tool_calls") and not message.get("content"):
            return "an empty message"
    return "calls without a tool message" if open_ids else None


def check_anthropic(headers, body, need_key):
    if need_key and not headers.get("x-api-key"):
        return "no key"
    version = headers.get("anthropic-version")
    if version not in ("2023-06-01", "2026-10-21"):
        return "no known anthropic-version"
    if version == "2026-10-21" and {"temperature", "top_p", "top_k"} & set(body):
        return "sampling parameters"
    if not body.get("model") or not body.get("messages") or not body.get("max_tokens"):
        return "model, max_tokens and messages are required"
    open_ids = []
    for message in body["messages"]:
        blocks = message["content"]
        if isinstance(blocks, str):
            blocks = [{"type": "text", "text": blocks}]
        results = [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
        if message["role"] == "user":
            if sorted(results) != sorted(open_ids):
                return "not one tool_result for each tool_use"
            kinds = [b["type"] == "tool_result" for b in blocks]
            if kinds != sorted(kinds, reverse=True):
                return "a tool_result behind text"
            open_ids = []
        elif open_ids or results:
            return "not one tool_result for each tool_use"
        if not blocks or any(b["type"] == "text" and not b["text"] for b in blocks):
            return "an empty block or message"
        for block in blocks:
            if block["type"] == "tool_use":
                if not isinstance(block["input"], dict):
                    return "an input that is no object"
                open_ids.append(block["id"])
            if block["type"] == "thinking" and not block.get("signature"):
                return "thinking without its signature"
    if body["messages"][-1]["role"] == "assistant":
        return "the last message is the assistant's"
    return None


# What is said.

def pieces(text, turn):
    size = turn.get("piece", 7)
    return [text[i:i + size] for i in range(0, len(text), size)]


def arguments_text(call):
    arguments = call.get("arguments", {})
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def call_id(call, n, turn):
    return call.get("id", "call_%d_%d" % (turn["n"], n))


def usage_openai(turn):
    usage = turn.get("usage", {})
    n_in, n_out = usage.get("input", 11), usage.get("output", 7)
    return {"prompt_tokens": n_in, "completion_tokens": n_out, "total_tokens": n_in + n_out,
            "prompt_tokens_details": {"cached_tokens": usage.get("cached", 0)}}


def fragments(call, n, turn, quirks):
    """The deltas of one call."""
    text = arguments_text(call)
    first = {"index": n, "id": call_id(call, n, turn), "type": "function",
             "function": {"name": call["name"], "arguments": ""}}
    rest = pieces(text, turn)
    if "one_delta" in quirks:
        first["function"]["arguments"] = text
        rest = []
    if "null_arguments" in quirks:
        first["function"]["arguments"] = None
        rest = []
    if "object_arguments" in quirks:
        first["function"]["arguments"] = call["arguments"]
        rest = []
    if "no_id" in quirks:
        del first["id"]
    out = [first]
    for i, piece in enumerate(rest):
        delta = {"index": n, "function": {"arguments": piece}}
        if "empty_names" in quirks:
            delta["function"]["name"] = ""
        if "new_ids" in quirks:
            delta["id"] = "other-%d-%d" % (n, i)
        out.append(delta)
    for delta in out:
        if "index0" in quirks:
            delta["index"] = 0
        if "no_index" in quirks:
            del delta["index"]
    return out


def openai_finish(turn):
    return turn.get("finish", "tool_calls" if turn.get("calls") else "stop")


def openai_deltas(turn, quirks):
    yield {"role": "assistant", "content": ""}
    for piece in pieces(turn.get("thinking", ""), turn):
        if "reasoning_details" in quirks:
            yield {"reasoning": piece,
                   "reasoning_details": [{"type": "reasoning.text", "text": piece, "index": 0}]}
        else:
            yield {"content": None, "reasoning_content": piece}
    for piece in pieces(turn.get("text", ""), turn):
        yield {"content": piece}
    calls = [fragments(c, n, turn, quirks) for n, c in enumerate(turn.get("calls", []))]
    if "interleave" in quirks:
        for row in itertools.zip_longest(*calls):
            for fragment in row:
                if fragment:
                    yield {"tool_calls": [fragment]}
    else:
        for fragment in itertools.chain(*calls):
            yield {"tool_calls": [fragment]}


def openai_events(turn, body):
    quirks = turn.get("quirks", [])
    base = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1,
            "model": body["model"]}
    chunks = []
    if "empty_choices" in quirks:
        chunks.append({**base, "choices": [], "prompt_filter_results": []})
    for delta in openai_deltas(turn, quirks):
        chunks.append({**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    finish = openai_finish(turn)
    if finish is not None:
        chunks.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if "no_usage" not in quirks and body.get("stream_options", {}).get("include_usage"):
        chunks.append({**base, "choices": [], "usage": usage_openai(turn)})
    out = ["data: %s\n\n" % json.dumps(c, ensure_ascii=False) for c in chunks]
    if "no_done" not in quirks and finish is not None:
        out.append("data: [DONE]\n\n")
    return out


def anthropic_blocks(turn):
    blocks = []
    if "thinking" in turn:
        blocks.append({"type": "thinking", "thinking": turn["thinking"],
                       "signature": turn.get("signature", "c2lnbmF0dXJl")})
    if "redacted" in turn:
        blocks.append({"type": "redacted_thinking", "data": turn["redacted"]})
    if turn.get("text"):
        blocks.append({"type": "text", "text": turn["text"]})
    for n, call in enumerate(turn.get("calls", [])):
        blocks.append({"type": "tool_use", "id": call_id(call, n, turn), "name": call["name"],
                       "input": call.get("arguments", {})})
    return blocks


def anthropic_stop(turn):
    return turn.get("finish", "tool_use" if turn.get("calls") else "end_turn")


def anthropic_usage(turn):
    usage = turn.get("usage", {})
    return {"input_tokens": usage.get("input", 11), "output_tokens": usage.get("output", 7),
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": usage.get("cached", 0)}


def anthropic_deltas(block, turn):
    kind = block["type"]
    if kind == "thinking":
        start = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": p}
                  for p in pieces(block["thinking"], turn)]
        return start, deltas + [{"type": "signature_delta", "signature": block["signature"]}]
    if kind == "text":
        return {"type": "text", "text": ""}, [{"type": "text_delta", "text": p}
                                              for p in pieces(block["text"], turn)]
    if kind == "tool_use":
        text = arguments_text({"arguments": block["input"]})
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": p}
                                        for p in [""] + pieces("" if text == "{}" else text, turn)]
    return block, []


def anthropic_events(turn, body):
    usage = anthropic_usage(turn)
    events = [{"type": "message_start", "message": {
        "id": "msg_fake", "type": "message", "role": "assistant", "model": body["model"],
        "content": [], "stop_reason": None, "stop_sequence": None,
        "usage": {**usage, "output_tokens": 1}}}, {"type": "ping"}]
    for n, block in enumerate(anthropic_blocks(turn)):
        start, deltas = anthropic_deltas(block, turn)
        events.append({"type": "content_block_start", "index": n, "content_block": start})
        events += [{"type": "content_block_delta", "index": n, "delta": d} for d in deltas]
        events.append({"type": "content_block_stop", "index": n})
    stop = anthropic_stop(turn)
    events.append({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None},
                   "usage": {"output_tokens": usage["output_tokens"]}})
    if stop is not None:
        events.append({"type": "message_stop"})
    return ["event: %s\ndata: %s\n\n" % (e["type"], json.dumps(e, ensure_ascii=False))
            for e in events]


def events(dialect, turn, body):
    quirks = turn.get("quirks", [])
    out = openai_events(turn, body) if dialect == "openai" else anthropic_events(turn, body)
    if "comments" in quirks:
        out = [": OPENROUTER PROCESSING\n\n" + e for e in out]
    if "no_blank_end" in quirks:
        out[-1] = out[-1][:-1]
    if "crlf" in quirks:
        out = [e.replace("\n", "\r\n") for e in out]
    return [e.encode() for e in out]


def whole(dialect, turn, body):
    if dialect == "anthropic":
        return {"id": "msg_fake", "type": "message", "role": "assistant", "model": body["model"],
                "content": anthropic_blocks(turn), "stop_reason": anthropic_stop(turn),
                "usage": anthropic_usage(turn)}
    message = {"role": "assistant", "content": turn.get("text")}
    if turn.get("thinking"):
        message["reasoning_content"] = turn["thinking"]
    if turn.get("calls"):
        message["tool_calls"] = [
            {"id": call_id(c, n, turn), "type": "function",
             "function": {"name": c["name"], "arguments": arguments_text(c)}}
            for n, c in enumerate(turn["calls"])]
    return {"id": "chatcmpl-fake", "object": "chat.completion", "model": body["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": openai_finish(turn)}],
            "usage": usage_openai(turn)}


def error_event(dialect, error):
    if dialect == "openai":
        return ("data: %s\n\n" % json.dumps({"error": error})).encode()
    return ("event: error\ndata: %s\n\n" % json.dumps({"type": "error", "error": error})).encode()
