"""What a name of PyTorch's, or of another library, is called here; for messages."""

from __future__ import annotations

from collections.abc import Iterable

_OTHERS = {
    "Sequential": "nn.serial",
    "Module": "nn.stateless, or any pair nn.Layer(init, apply)",
    "ModuleList": "nn.serial, nn.parallel or a list of layers",
    "ModuleDict": "nn.serial, nn.parallel or a dict of layers",
    "Parameter": "an array in the dict that the init of a layer returns",
    "Dense": "nn.Linear",
    "Conv": "nn.Conv1d, nn.Conv2d or nn.Conv3d",
    "BatchNorm": "nn.BatchNorm1d, nn.BatchNorm2d or nn.BatchNorm3d",
    "SyncBatchNorm": "nn.BatchNorm2d(axis_name=...)",
    "BCELoss": "nn.binary_cross_entropy",
    "BCEWithLogitsLoss": "nn.binary_cross_entropy_with_logits",
    "UpsamplingNearest2d": "nn.Upsample",
    "UpsamplingBilinear2d": "nn.Upsample(mode='bilinear', align_corners=True)",
    "functional": "rtorch.nn itself, as in nn.relu",
    "init": "nn.initializers",
    "utils": "nn.weight_norm and nn.spectral_norm, and rtorch.optim for gradients",
}


def message(name: str, names: Iterable[str]) -> str:
    """What to say of a `name` that is not among `names`."""
    known = {_plain(n): n for n in reversed(list(names))}  # the first of two that look alike
    found = next((known[n] for n in _forms(name) if n in known), None)
    text = f"module 'rtorch.nn' has no attribute {name!r}"
    if name in _OTHERS:
        return f"{text}: here it is {_OTHERS[name]}"
    if found is None:
        return text
    if found[0].islower() and name[0].isupper():
        return f"{text}: here it is the function nn.{found}, used as it is"
    return f"{text}: here it is nn.{found}"


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _forms(name: str) -> list[str]:
    plain = _plain(name)
    forms = [plain, plain.removesuffix("loss"), plain + "loss"]
    return [*forms, "pad"] if "pad" in plain and plain.endswith(("1d", "2d", "3d")) else forms
