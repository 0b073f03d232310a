"""A small GPT on Shakespeare's plays: four causal transformer blocks that predict characters.

Trains with AdamW (decay on matrices only), warm-up and cosine, and clipped gradients; prints the
loss on the last tenth of the text, which is not trained on. Writes with a cache of keys and values:
each new character costs one step of the network, however long the text before it is.

    python examples/gpt.py --steps 1200 --temperature 0.8
"""

import argparse
import time
from pathlib import Path

import _data
import numpy as np

import rtorch as rt
from rtorch import nn, optim

with _data.extras("gpt"):
    from tqdm import tqdm

BLOCKS, HEADS, WIDTH, CONTEXT, CLASSES = 4, 4, 128, 64, 65
BATCH, REPORTS = 32, 5


def gpt(**attention):
    """The network, for sequences of shape ``(batch, steps)``; positions are rotary."""
    block = nn.TransformerEncoderLayer(
        WIDTH, HEADS, 4 * WIDTH, 0.0, nn.relu, batch_first=True, norm_first=True,
        rotary=nn.rope, **attention,
    )  # fmt: skip
    body = nn.TransformerEncoder(block, BLOCKS, norm=True)
    return nn.serial(nn.Embedding(CLASSES, WIDTH), body, nn.Linear(CLASSES))


# The same parameters: one sees whole sequences, the other remembers what it has seen.
net, writer = gpt(is_causal=True), gpt(cache_size=CONTEXT)


def loss(params, text):
    """Cross entropy in nats per character, of shape ``(batch, CONTEXT + 1)``."""
    logits, _ = net.apply(params, {}, text[:, :-1])
    return nn.cross_entropy(logits, text[:, 1:])


def matrices(params):
    """True where the weight decays: not for biases and norms."""
    return rt.tree.map(lambda p: p.ndim > 1, params)


def make_optimizer(steps):
    rate = optim.schedules.warmup_cosine(3e-3, min(100, steps // 2), steps)
    return optim.chain(
        optim.clip_by_global_norm(1.0),
        optim.adam(rate, b2=0.99),
        optim.decay_weights(0.1, rate, mask=matrices),
    )


def make_step(opt, ids):
    """One step of training on random places of the text; the memory of what it replaces is used."""

    @rt.jit(donate_argnums=(0, 1))
    def step(params, opt_state, key):
        places = rt.random.randint(key, (BATCH, 1), 0, len(ids) - CONTEXT)
        value, grads = rt.value_and_grad(loss)(params, ids[places + rt.arange(CONTEXT + 1)])
        updates, opt_state = opt.update(grads, opt_state, params)
        return optim.apply_updates(params, updates), opt_state, value

    return step


evaluate = rt.jit(loss)


def validate(params, ids):
    """The mean loss over a text cut into pieces."""
    places = np.arange(0, len(ids) - CONTEXT, CONTEXT)[:, None] + np.arange(CONTEXT + 1)
    batches = [places[i : i + BATCH] for i in range(0, len(places) - BATCH + 1, BATCH)]
    return float(np.mean([evaluate(params, rt.asarray(ids[b])) for b in batches]))


def train(params, ids, held_out, steps, key):
    opt = make_optimizer(steps)
    opt_state, step = opt.init(params), make_step(opt, rt.asarray(ids))
    start, losses = time.perf_counter(), []
    for i, step_key in enumerate(tqdm(rt.random.split(key, steps), "training"), 1):
        params, opt_state, value = step(params, opt_state, step_key)
        losses.append(value)
        if i % max(1, steps // REPORTS) == 0 or i == steps:
            mean, valid = float(np.mean(losses)), validate(params, held_out)
            seconds, losses = time.perf_counter() - start, []
            tqdm.write(f"step {i}: loss {mean:.3f}, validation {valid:.3f}, {seconds:.1f} s")
    return params


@rt.jit(static_argnames="length")
def continued(params, key, text, length, temperature):
    """Ids of `length` characters after a text; together they fit into the context."""
    _, empty = writer.init(rt.random.key(0), rt.spec((1, 1), rt.int32))
    logits, memory = writer.apply(params, empty, text[None])

    def step(carry, key):
        logits, memory = carry
        drawn = rt.random.categorical(key, logits[:, -1] / temperature)
        return writer.apply(params, memory, drawn[:, None]), drawn[0]

    return rt.scan(step, (logits[:, -1:], memory), rt.random.split(key, length))[1]


def write(params, key, text, length, temperature):
    """Half a context at a time: then the cache begins anew with the half just written."""
    half = CONTEXT // 2
    for piece_key in rt.random.split(key, -(-length // half)):
        new = continued(params, piece_key, text[-half:], half, temperature)
        text = rt.concat([text, new])
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    _data.add_option(parser)
    parser.add_argument("--steps", type=int, default=1200, help="of 32 x 64 characters")
    parser.add_argument("--seed", type=int, default=0, help="of the start, the places, the sample")
    parser.add_argument("--prompt", default="ROMEO:\n", help="where the sample begins")
    parser.add_argument("--temperature", type=float, default=0.8, help="below 1 is more careful")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the parameters")
    parser.add_argument("--quick", action="store_true", help="ten steps, to see that it runs")
    options = parser.parse_args()

    ids, alphabet = _data.numbered(_data.shakespeare(options.data))
    text, held_out = ids[: len(ids) * 9 // 10], ids[len(ids) * 9 // 10 :]
    if options.quick:
        held_out = held_out[: 2 * BATCH * CONTEXT + 1]
    init_key, train_key, write_key = rt.random.split(rt.random.key(options.seed), 3)
    params, _ = net.init(init_key, rt.spec((BATCH, CONTEXT), rt.int32))
    size = sum(p.size for p in rt.tree.leaves(params))
    print(f"{len(text)} characters to train, {len(held_out)} to validate, {size} parameters")
    params = train(params, text, held_out, 10 if options.quick else options.steps, train_key)
    options.out.mkdir(parents=True, exist_ok=True)
    rt.save(options.out / "gpt.npz", params, metadata={"alphabet": alphabet})

    prompt = rt.asarray([alphabet.index(c) for c in options.prompt], dtype=rt.int32)
    written = write(params, write_key, prompt, 400, options.temperature)
    print("".join(alphabet[i] for i in written.tolist()))


if __name__ == "__main__":
    main()
