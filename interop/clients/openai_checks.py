"""OpenAI's Python client against a Hither endpoint: prints one JSON object for each check.

Arguments: the endpoint's address, and that of the endpoint which counts the answers (behind a gateway it is another one).
"""

import re
import sys
import time
import urllib.request

import openai

from checks import Checks

url, counting = sys.argv[1:3]
WRITER, CALLER, EMBEDDER = sys.argv[3:6]
client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=300)
checks = Checks()

question = [{"role": "user", "content": "Write one sentence about the sea."}]
greedy = {"model": WRITER, "messages": question, "temperature": 0, "max_tokens": 16}
weather = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a town.",
        # The client's helpers take strict functions alone.
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


def must(is_so, what):
    if not is_so:
        raise AssertionError(what)


def text_of(answer):
    return answer.choices[0].message.content


def with_stop():
    """The answer, and a stop string within it."""
    whole = text_of(client.chat.completions.create(**greedy))
    words = whole.split(" ")
    must(len(words) > 4, whole)
    return whole, f" {words[3]} {words[4]}"


@checks.run("list of models")
def _():
    ids = [model.id for model in client.models.list()]
    must({WRITER, CALLER, EMBEDDER} <= set(ids), ids)
    must(client.models.retrieve(WRITER).id == WRITER, "the model itself")
    return f"{len(ids)} models"


@checks.run("chat")
def _():
    answer = client.chat.completions.create(**greedy)
    must(answer.choices[0].finish_reason in ("length", "stop"), answer.choices[0].finish_reason)
    must(answer.usage.completion_tokens == 16, answer.usage)
    must(len(text_of(answer)) > 10, text_of(answer))
    return f"{answer.usage.completion_tokens} tokens, {answer.choices[0].finish_reason}"


@checks.run("stream")
def _():
    whole = text_of(client.chat.completions.create(**greedy))
    text, usage, finish, events = "", None, None, 0
    for chunk in client.chat.completions.create(**greedy, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            events += choice.delta.content is not None
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    must(text == whole, f"{text!r} is not {whole!r}")
    must(usage.completion_tokens == 16, usage)
    must(events > 4, f"{events} events")
    cached = usage.prompt_tokens_details.cached_tokens
    return f"the same text, {finish}, usage, {'some' if cached > 0 else 'no'} tokens cached"


@checks.run("stream helper")
def _():
    # This helper takes no answer that ends by its length.
    whole, stop = with_stop()
    with client.chat.completions.stream(**greedy, stop=[stop]) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    must(text_of(final) == whole[: whole.index(stop)], text_of(final))
    must("content.done" in kinds, kinds)
    return "the same text"


@checks.run("seed")
def _():
    def sampled(seed):
        return text_of(client.chat.completions.create(**{**greedy, "temperature": 1, "seed": seed}))

    first = sampled(7)
    must(sampled(7) == first, "another text by the same seed")
    must(any(sampled(seed) != first for seed in (8, 9, 10)), "the same text by other seeds")
    return "one text for a seed"


@checks.run("stop strings")
def _():
    whole, stop = with_stop()
    answer = client.chat.completions.create(**greedy, stop=[stop])
    must(text_of(answer) == whole[: whole.index(stop)], f"{text_of(answer)!r} of {whole!r} up to {stop!r}")
    must(answer.choices[0].finish_reason == "stop", answer.choices[0].finish_reason)
    return "ends before it"


@checks.run("logprobs")
def _():
    answer = client.chat.completions.create(**greedy, logprobs=True, top_logprobs=2)
    tokens = answer.choices[0].logprobs.content
    must(len(tokens) == 16, len(tokens))
    must(all(len(token.top_logprobs) == 2 and token.logprob <= 0 for token in tokens), tokens[0])
    must(all(token.token == token.top_logprobs[0].token for token in tokens), "greedy takes the likeliest")
    return "of 16 tokens, and of 2 each"


@checks.run("completion")
def _():
    options = {"model": WRITER, "max_tokens": 8, "temperature": 0}
    whole = client.completions.create(**options, prompt="Once upon a time", extra_body={"return_token_ids": True})
    ids = whole.choices[0].to_dict()
    prompt, rest = ids["prompt_token_ids"], ids["token_ids"]
    must(client.completions.create(**options, prompt=prompt).choices[0].text == whole.choices[0].text, "by ids")
    part = client.completions.create(**{**options, "max_tokens": 5}, prompt=[*prompt, *rest[:3]])
    must(whole.choices[0].text.endswith(part.choices[0].text), part.choices[0].text)
    return "by text, by ids, gone on with by ids"


@checks.run("tools")
def _():
    messages = [{"role": "user", "content": "What is the weather in Bern?"}]
    asked = client.chat.completions.create(model=CALLER, messages=messages, tools=[weather], tool_choice="auto")
    call = asked.choices[0].message.tool_calls[0]
    must(asked.choices[0].finish_reason == "tool_calls", asked.choices[0].finish_reason)
    must((call.function.name, call.function.arguments) == ("weather", '{"city":"Bern"}'), call.function)
    messages += [asked.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
    answer = client.chat.completions.create(model=CALLER, messages=messages, tools=[weather])
    must(text_of(answer) == "It is sunny in Bern.", text_of(answer))
    return "asked for, and answered with"


@checks.run("tools, streamed")
def _():
    messages = [{"role": "user", "content": "What is the weather in Bern?"}]
    with client.chat.completions.stream(model=CALLER, messages=messages, tools=[weather]) as stream:
        for _event in stream:
            pass
        final = stream.get_final_completion()
    must(final.choices[0].message.tool_calls[0].function.arguments == '{"city":"Bern"}', final.choices[0])
    must(not text_of(final), text_of(final))
    return "the call, and no text"


@checks.run("embeddings")
def _():
    # Without a format, this client asks for base64 and reads it.
    answer = client.embeddings.create(model=EMBEDDER, input=["here and", "there"])
    plain = client.embeddings.create(model=EMBEDDER, input="here and", encoding_format="float")
    must(answer.data[0].embedding == [3.5, 13.5], answer.data[0].embedding)
    must(plain.data[0].embedding == [3.5, 13.5], plain.data[0].embedding)
    return "base64 and numbers"


def refused(kind, status, **request):
    try:
        client.chat.completions.create(**{**greedy, **request})
    except kind as error:
        must(error.status_code == status, error.status_code)
        return error
    raise AssertionError("it was answered")


@checks.run("unknown model")
def _():
    return f"NotFoundError, {refused(openai.NotFoundError, 404, model='nobody').status_code}"


@checks.run("wrong request")
def _():
    error = refused(openai.BadRequestError, 400, n=2)
    must(error.param == "n", error.param)
    long = refused(openai.BadRequestError, 400, messages=[{"role": "user", "content": "word " * 20_000}])
    return f"BadRequestError: {error.code}, {long.code}"


def aborted():
    with urllib.request.urlopen(f"{counting}/metrics") as answer:
        lines = answer.read().decode()
    found = re.search(r'hither_text_answers_total\{[^}]*end="aborted"[^}]*\} (\d+)', lines)
    return int(found[1]) if found else 0


@checks.run("abort")
def _():
    before = aborted()
    stream = client.chat.completions.create(**{**greedy, "max_tokens": 1500}, stream=True)
    for count, _chunk in enumerate(stream):
        if count == 3:
            break
    stream.close()
    until = time.monotonic() + 50
    while aborted() == before:
        must(time.monotonic() < until, "the endpoint writes on")
        time.sleep(0.05)
    must(text_of(client.chat.completions.create(**greedy)), "no answer afterwards")
    return "the endpoint stops, and answers the next"
