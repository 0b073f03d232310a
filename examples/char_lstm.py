"""A character LSTM on Shakespeare's plays: truncated backpropagation with carried state.

The text is cut into streams that are read side by side, a window at a time. Each window begins with
the state in which the one before ended, through which no derivative goes. Prints the loss on the
last tenth of the text, which is not trained on, and what the network writes.

    python examples/char_lstm.py --epochs 4 --temperature 0.7
"""

import argparse
import time
from pathlib import Path

import _data
import numpy as np

import rtorch as rt
from rtorch import nn, optim

with _data.extras("char_lstm"):
    from tqdm import tqdm

STREAMS, WINDOW, CLASSES, HIDDEN = 16, 64, 65, 192

lstm = nn.LSTM(HIDDEN, num_layers=2, return_state=True)
head = nn.Linear(CLASSES)


def init(key):
    lstm_key, head_key = rt.random.split(key)
    params, _ = lstm.init(lstm_key, rt.spec((WINDOW, STREAMS, CLASSES)))
    return {"lstm": params, "head": head.init(head_key, rt.spec((1, HIDDEN)))[0]}


def no_memory(streams):
    """The state ``(h, c)`` before the first character."""
    return tuple(rt.zeros((2, streams, HIDDEN)) for _ in "hc")


def forward(params, memory, ids):
    """Logits of the next characters, for ids of shape ``(steps, streams)``, and the new state."""
    inputs = {"x": nn.one_hot(ids, CLASSES), "h0": memory}
    (y, memory), _ = lstm.apply(params["lstm"], {}, inputs)
    return head.apply(params["head"], {}, y)[0], memory


def loss(params, memory, window):
    """Cross entropy in nats per character; a window has one character more than there are steps."""
    logits, memory = forward(params, memory, window[:-1])
    return nn.cross_entropy(logits, window[1:]), memory


def make_step(opt):
    """One step of training; parameters, optimizer and memory give way to what replaces them."""

    @rt.jit(donate_argnums=(0, 1, 2))
    def step(params, opt_state, memory, window):
        (value, memory), grads = rt.value_and_grad(loss, has_aux=True)(params, memory, window)
        updates, opt_state = opt.update(grads, opt_state, params)
        return optim.apply_updates(params, updates), opt_state, memory, value

    return step


def windows(ids):
    """Shape ``(windows, WINDOW + 1, STREAMS)``: each begins where the one before ends."""
    length = (len(ids) - 1) // STREAMS
    rows = np.stack([ids[i * length : (i + 1) * length + 1] for i in range(STREAMS)], axis=1)
    starts = range(0, length - WINDOW + 1, WINDOW)
    return rt.asarray(np.stack([rows[t : t + WINDOW + 1] for t in starts]))


evaluate = rt.jit(loss)


def validate(params, held_out):
    """The mean loss over windows that follow each other."""
    memory, losses = no_memory(STREAMS), []
    for window in held_out:
        value, memory = evaluate(params, memory, window)
        losses.append(value)
    return float(np.mean(losses))


def train(params, text, held_out, epochs):
    opt = optim.chain(
        optim.clip_by_global_norm(1.0),
        optim.adamw(optim.schedules.warmup_cosine(4e-3, 100, max(101, epochs * len(text)))),
    )
    opt_state, step = opt.init(params), make_step(opt)
    for epoch in range(epochs):
        start, memory, losses = time.perf_counter(), no_memory(STREAMS), []
        for window in tqdm(text, f"epoch {epoch + 1}", leave=False):
            params, opt_state, memory, value = step(params, opt_state, memory, window)
            losses.append(value)
        valid, seconds = validate(params, held_out), time.perf_counter() - start
        mean = float(np.mean(losses))
        print(f"epoch {epoch + 1}: loss {mean:.3f}, validation {valid:.3f}, {seconds:.1f} s")
    return params


@rt.jit(static_argnames="length")
def write(params, key, prompt, length, temperature):
    """Ids of `length` characters after a prompt, each drawn from what the network expects."""
    logits, memory = forward(params, no_memory(1), prompt[:, None])

    def step(carry, key):
        logits, memory = carry
        drawn = rt.random.categorical(key, logits / temperature)
        logits, memory = forward(params, memory, drawn[None])
        return (logits[0], memory), drawn[0]

    return rt.scan(step, (logits[-1], memory), rt.random.split(key, length))[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    _data.add_option(parser)
    parser.add_argument("--epochs", type=int, default=4, help="passes over the text")
    parser.add_argument("--seed", type=int, default=0, help="of the start and the sample")
    parser.add_argument("--prompt", default="ROMEO:\n", help="where the sample begins")
    parser.add_argument("--temperature", type=float, default=0.7, help="below 1 is more careful")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the parameters")
    parser.add_argument("--quick", action="store_true", help="one epoch of a small part")
    options = parser.parse_args()

    ids, alphabet = _data.numbered(_data.shakespeare(options.data))
    text, held_out = windows(ids[: len(ids) * 9 // 10]), windows(ids[len(ids) * 9 // 10 :])
    if options.quick:
        text, held_out = text[:8], held_out[:2]
    init_key, write_key = rt.random.split(rt.random.key(options.seed))
    params = init(init_key)
    size = sum(p.size for p in rt.tree.leaves(params))
    print(f"{text.size} characters to train, {held_out.size} to validate, {size} parameters")
    params = train(params, text, held_out, 1 if options.quick else options.epochs)
    options.out.mkdir(parents=True, exist_ok=True)
    rt.save(options.out / "char_lstm.npz", params, metadata={"alphabet": alphabet})

    prompt = rt.asarray([alphabet.index(c) for c in options.prompt], dtype=rt.int32)
    written = write(params, write_key, prompt, 400, options.temperature)
    print(options.prompt + "".join(alphabet[i] for i in written.tolist()))


if __name__ == "__main__":
    main()
