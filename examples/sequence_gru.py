"""Capitals and punctuation for Shakespeare: a bidirectional GRU labels each character of a speech.

The network reads speeches, of many lengths, in lower case without punctuation, and says of each
character whether it is a capital and which mark stands before it. Often only what follows can tell:
a network with as many parameters that reads forward only is compared, and a rule of thumb.

    python examples/sequence_gru.py --epochs 3
"""

import argparse
import time

import _data
import numpy as np

import rtorch as rt
from rtorch import nn, optim

with _data.extras("sequence_gru"):
    from tqdm import tqdm

BATCH, LONGEST, PADDING = 32, 256, -100  # the label that cross_entropy ignores
LETTERS, MARKS = "\n '-abcdefghijklmnopqrstuvwxyz", ",.;:?!"


def tagger(hidden, bidirectional):
    """From ``(ids, lengths)``, of shapes ``(steps, batch)`` and ``(batch,)``, to logits."""
    return nn.serial(
        nn.parallel(nn.Embedding(len(LETTERS), 32), nn.identity),
        lambda given: {"x": given[0], "lengths": given[1]},
        nn.GRU(hidden, bidirectional=bidirectional),
        nn.Linear(2 * (1 + len(MARKS))),
    )


NETS = {"forward": tagger(192, False), "both directions": tagger(128, True)}


def speeches(text):
    """Each speech as ids and labels; a label is twice the mark before, and 1 more for a capital."""
    for block in text.split("\n\n"):
        pairs, mark = [], 0
        for c in block.partition("\n")[2].strip() + "\n":  # behind the name of the speaker
            if c in MARKS:
                mark = 1 + MARKS.index(c)
            elif c.lower() in LETTERS:
                pairs.append((LETTERS.index(c.lower()), 2 * mark + c.isupper()))
                mark = 0
        yield from (pairs[i : i + LONGEST] for i in range(0, len(pairs), LONGEST))


def batches(examples):
    """Speeches of similar length together: little padding, and few shapes."""
    examples, made = sorted(examples, key=len), []
    for start in range(0, len(examples) - BATCH + 1, BATCH):
        group = examples[start : start + BATCH]
        lengths = np.array([len(pairs) for pairs in group], np.int32)
        steps = -(-lengths.max() // 64) * 64
        padded = [pairs + [(0, PADDING)] * (steps - len(pairs)) for pairs in group]
        ids, labels = np.moveaxis(np.array(padded, np.int32), (0, 1, 2), (2, 1, 0))
        made.append(((rt.asarray(ids), rt.asarray(lengths)), rt.asarray(labels)))
    return made


def train(net, data, epochs, key, name):
    """The parameters after so many passes over the batches, each in another order."""
    init_key, *order_keys = rt.random.split(key, epochs + 1)
    params, _ = net.init(init_key, data[0][0])
    rate = optim.schedules.one_cycle(1e-2, epochs * len(data))
    opt = optim.chain(optim.clip_by_global_norm(1.0), optim.adamw(rate))
    opt_state, start = opt.init(params), time.perf_counter()

    def loss(params, given, labels):
        return nn.cross_entropy(net.apply(params, {}, given)[0], labels)

    @rt.jit(donate_argnums=(0, 1))
    def step(params, opt_state, given, labels):
        value, grads = rt.value_and_grad(loss)(params, given, labels)
        updates, opt_state = opt.update(grads, opt_state, params)
        return optim.apply_updates(params, updates), opt_state, value

    for epoch, order_key in enumerate(order_keys, 1):
        order = rt.random.permutation(order_key, len(data)).tolist()
        for i in tqdm(order, f"{name}, epoch {epoch}", leave=False):
            params, opt_state, value = step(params, opt_state, *data[i])
    seconds = time.perf_counter() - start
    print(f"{name}: {epochs * len(data)} steps, last loss {float(value):.4f}, {seconds:.1f} s")
    return params


def predict(net, params, data):
    """The labels of every batch."""
    tag = rt.jit(lambda given: rt.argmax(net.apply(params, {}, given)[0], axis=-1))
    return [np.asarray(tag(given)) for given, _ in data]


def rule_of_thumb(ids):
    """A capital begins each line, and a full stop ends each speech."""
    ends = np.asarray(ids) == LETTERS.index("\n")
    starts = np.concatenate([ends[:1] | True, ends[:-1]])
    last = ends & ~starts & ~np.logical_or.accumulate(~ends[::-1])[::-1]
    return starts + 2 * (1 + MARKS.index(".")) * last


def flat(labels):
    return np.concatenate([np.ravel(batch) for batch in labels])


def f1(found, true):
    """The harmonic mean of precision and recall of all labels but 0."""
    return 2 * np.sum((found == true) & (true > 0)) / (np.sum(found > 0) + np.sum(true > 0))


def restored(ids, labels):
    """The text with its capitals and marks."""
    text = [LETTERS[i].upper() if label % 2 else LETTERS[i] for i, label in zip(ids, labels)]
    return "".join(("", *MARKS)[label // 2] + c for c, label in zip(text, labels))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    _data.add_option(parser)
    parser.add_argument("--epochs", type=int, default=3, help="passes over the speeches")
    parser.add_argument("--seed", type=int, default=0, help="of the start and the order")
    parser.add_argument("--quick", action="store_true", help="one epoch of some speeches")
    options = parser.parse_args()

    examples = list(speeches(_data.shakespeare(options.data)))[: 800 if options.quick else None]
    n, epochs = len(examples) * 9 // 10, 1 if options.quick else options.epochs
    data, test = batches(examples[:n]), batches(examples[n:])
    rules = {"as it is": lambda ids: 0 * np.asarray(ids), "rule of thumb": rule_of_thumb}
    results = {name: [rule(ids) for (ids, _), _ in test] for name, rule in rules.items()}
    for key, (name, net) in zip(rt.random.split(rt.random.key(options.seed)), NETS.items()):
        results[name] = predict(net, train(net, data, epochs, key, name), test)

    true, inside = flat(labels for _, labels in test), flat(results["rule of thumb"]) % 2 == 0
    print(f"{n} speeches to train, {np.sum(true >= 0)} characters of others to test\n")
    print(f"{'':20}accuracy  F1 of capitals inside lines  F1 of marks")
    for name, labels in results.items():
        found, real = flat(labels), true >= 0
        capitals = f1(found[real & inside] % 2, true[real & inside] % 2)
        right, marks = np.mean((found == true)[real]), f1(found[real] // 2, true[real] // 2)
        print(f"{name:20}{right:8.2%}  {capitals:27.3f}  {marks:11.3f}")
    some = len(test) * 3 // 4
    ids, labels = np.asarray(test[some][0][0])[:, 0], labels[some][:, 0]
    print("\n" + restored(ids, 0 * ids).strip() + "\n\n" + restored(ids, labels).strip())


if __name__ == "__main__":
    main()
