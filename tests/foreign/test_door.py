"""What ``import inference_gaps`` offers, what it costs, and how much memory a measurement takes."""

import subprocess
import sys
import textwrap

import pytest

import inference_gaps as gaps


def _python(code: str) -> str:
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_door_names_what_it_has() -> None:
    assert all(getattr(gaps, name) is not None for name in gaps.__all__)
    with pytest.raises(AttributeError, match=r"inference_gaps has no Gausian; it has .*Gaussian"):
        _ = gaps.Gausian  # type: ignore[attr-defined]


def test_to_import_it_costs_neither_pytorch_nor_the_replication() -> None:
    loaded = _python("import sys, inference_gaps; print(*sys.modules)").split()
    assert not {"torch", "pandas", "pydantic"} & set(loaded)
    above = _python("import sys, inference_gaps as g; g.measure, g.Vae; print(*sys.modules)").split()
    assert not {"matplotlib", "scipy.stats"} & set(above)
    assert [
        name for name in above if name.startswith(("inference_gaps.replication", "snakemake", "nbclient"))
    ] == []


@pytest.mark.slow
def test_the_memory_of_a_large_decoder_is_bounded() -> None:
    """3 x 256 x 256 outputs behind 16 channels at full resolution: below 4 GB."""
    peak = _python(
        """
        import resource, torch, inference_gaps as gaps
        torch.set_num_threads(2)
        conv = torch.nn.Sequential(
            torch.nn.Linear(8, 8 * 32 * 32), torch.nn.Unflatten(1, (8, 32, 32)), torch.nn.Upsample(scale_factor=8),
            torch.nn.Conv2d(8, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(16, 3, 3, padding=1),
        ).eval()
        enc = torch.nn.Sequential(torch.nn.AvgPool2d(32), torch.nn.Flatten(), torch.nn.Linear(192, 16)).eval()
        vae = gaps.Vae(lambda x: enc(x).chunk(2, 1), conv, 8, gaps.Gaussian(sigma=1.0))
        x = torch.rand(2, 3, 256, 256)
        gaps.measure(vae, x, samples=300, steps=1, local_samples=2, max_cycles=2, chains=2, distributions=3,
                     leapfrog_steps=1, simulated=0, progress=False)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        """
    )
    assert int(peak) < 4e6
