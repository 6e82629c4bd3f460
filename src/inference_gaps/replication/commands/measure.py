"""Measure the gaps of a VAE that was made elsewhere, or of one of this project.

  inference-gaps measure my_vae.py:vae --data x.npy --points 100 --output gaps/
  inference-gaps measure --model net.safetensors --map names.yaml --data x.npy --output gaps/

my_vae.py is a Python file that makes a gaps.Vae named vae (or a function of that name that returns one); it
is run as any Python file is, so name only one that you trust. Nothing is unpickled: data are .npy, .npz, .pt
with tensors alone, .csv with numbers alone, a folder of images, or a prepared data set (.safetensors). The
folder gets points.csv, summary.csv, summary.txt, result.json and gaps.pdf; result.json names the files that
were read, and their SHA-256.
"""

import argparse
import dataclasses
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

from inference_gaps.errors import UserError
from inference_gaps.specs.families import FAMILIES

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``measure``."""
    parser.add_argument(
        "vae", nargs="?", metavar="FILE.py:NAME", help="a Python file, which is run, and a name in it"
    )
    parser.add_argument("--model", type=Path, help="instead: weights of a model (.safetensors, .pt)")
    parser.add_argument(
        "--map", type=Path, help="of --model: names of the layers of plain perceptrons (.yaml, .json)"
    )
    parser.add_argument(
        "--data", type=Path, required=True, help=".npy, .npz, .pt, .csv, .safetensors, or images"
    )
    parser.add_argument("--split", default="test", help="of a prepared data set; default: test")
    parser.add_argument("--points", type=int, default=100, help="the first so many data points; default: 100")
    parser.add_argument(
        "--local",
        nargs="+",
        help=f"of {', '.join(FAMILIES)}; default: that of q(z|x) for a model of this project, else ffg",
    )
    parser.add_argument(
        "--ais", nargs="*", default=["local-ffg"], help="of prior, local-ffg; default: local-ffg"
    )
    parser.add_argument("--effort", default="standard", help="quick, standard or thorough; default: standard")
    parser.add_argument(
        "--elbo", type=float, help="your own ELBO at these points, mean in nats, to be compared"
    )
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers; default: 0")
    parser.add_argument("--output", type=Path, required=True, help="folder for tables, record and figure")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"], help="default: auto")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; default: 1")


def run(options: argparse.Namespace) -> None:
    """Measure and write; see the module."""
    if (options.vae is None) == (options.model is None):
        raise UserError("Name either a Python file, as in my_vae.py:vae, or --model with a file of weights.")
    if options.map is not None and options.model is None:
        raise UserError("--map names the layers of a file of weights; name that file by --model.")
    if options.output.exists() and not options.output.is_dir():
        raise UserError(f"--output is {options.output}, which is a file; name a folder.")
    from inference_gaps.foreign.loading import load, sha256_of
    from inference_gaps.foreign.measure import measure
    from inference_gaps.numerics.device import set_up

    device = set_up(options.device, options.threads)
    files = {"data": options.data}
    if options.model is not None:
        vae = load(options.model, None if options.map is None else _map(options.map))
        files |= {"model": options.model} | ({"map": options.map} if options.map else {})
    else:
        vae, files["python"] = _from_python(options.vae)
    x = _data(options)
    for module in vae.modules.list:
        module.to(device)
    result = measure(
        vae,
        x.to(device),
        local=options.local,
        ais=options.ais,
        effort=options.effort,
        elbo=options.elbo,
        seed=options.seed,
    )
    digests = {
        role: {"file": str(path), "sha256": sha256_of(path)} for role, path in files.items() if path.is_file()
    }
    result = dataclasses.replace(result, settings={**result.settings, "files": digests})
    result.save(options.output)
    print(result)
    print(f"Written to {options.output}.")


def _data(options: argparse.Namespace) -> Any:
    """Return data as a model reads them; those of a prepared data set are packed."""
    from safetensors import SafetensorError, safe_open

    from inference_gaps.foreign.data_files import read_data
    from inference_gaps.replication.storage.prepared_data import load_prepared

    if options.data.suffix == ".safetensors" and options.data.is_file():
        try:
            with safe_open(options.data, framework="pt") as file:
                ours = "provenance" in (file.metadata() or {})
        except SafetensorError as error:
            raise UserError(
                f"{options.data} is no readable safetensors file ({error}); save it anew."
            ) from error
        if ours:
            return load_prepared(options.data).points(options.split, options.points, at_most=True)
    return read_data(options.data, options.points, options.split)


def _map(path: Path) -> dict[str, Any]:
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(
            f"--map is {path}, which is no readable YAML ({str(error).splitlines()[0]})."
        ) from error
    if not isinstance(found, dict):
        raise UserError(
            f"--map is {path}, which holds no keys; write encoder, decoder, activation, likelihood."
        )
    return found


def _from_python(argument: str) -> tuple[Any, Path]:
    """Run a Python file and return what it calls a VAE."""
    from inference_gaps.foreign.vae import Vae

    file, colon, name = argument.rpartition(":")
    path = Path(file)
    if not colon or not name.isidentifier() or path.suffix != ".py":
        raise UserError(f"{argument} is not FILE.py:NAME; write, for instance, my_vae.py:vae.")
    if not path.is_file():
        raise UserError(f"{path} is not a file; name the Python file that describes your VAE.")
    print(f"Running {path} to get its {name}.", file=sys.stderr)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
        found = getattr(module, name, None)
        if inspect.isfunction(found):
            found = found()
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{path} failed with {type(error).__name__}: {error}.") from error
    finally:
        sys.path.pop(0)
    if not isinstance(found, Vae):
        raise UserError(
            f"{name} in {path} is {type(found).__name__}; let it be a gaps.Vae, or a function that returns one."
        )
    return found, path
