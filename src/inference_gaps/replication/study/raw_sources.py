"""Where the raw files of a data set come from: the project itself, a local folder, or a download."""

import functools
from dataclasses import dataclass
from pathlib import Path

from inference_gaps.replication.data.raw_files import find_file, plain, unpinned_digests
from inference_gaps.replication.specs.data import DatasetSpec

__all__ = ["Source", "find_source"]

_DOWNLOADS = Path("data") / "downloads"


@dataclass(frozen=True)
class Source:
    """The raw files of a data set.

    Attributes:
        dataset: what they should be.
        folder: where the files are, or will be.
        files: what must be there before the data set is prepared: the files, or the mark that ``fetch-data`` is
            done with them.
        download: whether ``fetch-data`` has to fill the folder first.
    """

    dataset: DatasetSpec
    folder: Path
    files: tuple[Path, ...]
    download: bool

    @functools.cached_property
    def digests(self) -> dict[str, str]:
        """Digests of those files that the description does not pin, by role; they are read once.

        Raises:
            UserError: one cannot be read.
        """
        return unpinned_digests(self.dataset, self.folder)

    def place(self, role: str) -> Path:
        """Return where the file is that has a role in :attr:`digests`, or else the folder that it belongs to."""
        file = next((file for file in self.dataset.files if file.name == role), None)
        return (file and find_file(self.folder, file)) or self.folder


def find_source(
    name: str, dataset: DatasetSpec, data_folder: Path | None, top: Path
) -> tuple[Source, list[str]]:
    """Say where the raw files of a data set are.

    Args:
        name: the data set, as ``config/datasets.yaml`` calls it.
        dataset: its description.
        data_folder: the folder that the user named, one sub-folder per data set, or ``None``.
        top: top folder of the project.

    Returns:
        The source, and one sentence for each reason why there is none.
    """
    if dataset.embedded:
        folder, remedy = top / dataset.folder, "restore it from the project"
    elif data_folder is not None:
        folder = _folder_in(data_folder, dataset.folder)
        remedy = "name the folder that holds it (data_folder in config/config.yaml, or make DATA=...)"
    elif dataset.sources:
        folder = _DOWNLOADS / dataset.folder
        return Source(dataset, folder, (folder / f".fetched-{name}",), download=True), []
    else:
        return Source(dataset, Path(dataset.folder), (), download=False), [
            f"{name} has no address to download it from; set data_folder in config/config.yaml (or run "
            f"make DATA=...) to the folder that holds {dataset.folder}/."
        ]
    if not folder.is_dir():
        problem = f"the folder {folder} of {name} does not exist; {remedy}."
        return Source(dataset, folder, (), download=False), [problem]
    if not dataset.files:
        parts = tuple(sorted(path for path in folder.iterdir() if path.is_dir()))
        return Source(dataset, folder, parts, download=False), []
    found = {file.name: find_file(folder, file) for file in dataset.files}
    problems = [f"{folder} holds no {file} of {name}; {remedy}." for file, path in found.items() if not path]
    return Source(dataset, folder, tuple(path for path in found.values() if path), download=False), problems


def _folder_in(data_folder: Path, name: str) -> Path:
    """Return the folder of a data set: the one of its name, or else the only one of the same letters."""
    if (data_folder / name).is_dir() or not data_folder.is_dir():
        return data_folder / name
    alike = [path for path in data_folder.iterdir() if path.is_dir() and plain(path.name) == plain(name)]
    return alike[0] if len(alike) == 1 else data_folder / name
