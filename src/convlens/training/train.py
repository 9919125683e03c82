"""`convlens train`: from pictures to a run folder with a detector in it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from ..engine.callbacks import Callback, NullCallback, WarningCallback
from ..engine.distributed import Workers, init_distributed
from ..engine.logs import check_logs
from ..files import given_path, sound_record
from ..options import TrainKeywords, TrainOptions, options_from
from ..pictures.boxes.reading import reading_of
from ..pictures.boxes.recognise import recognise
from ..pictures.crops.background import CROPS_ONLY
from ..pictures.shards.urls import absolute_url
from ..stopwatch import Stopwatch
from ..transfer.pretrained import choose_network
from .classes import train_classes
from .job import Request, check_request
from .run import Run
from .run_folder import RunFolder, new_folder


def train(
    pictures: str | Path,
    out: str | Path | None = None,
    *,
    callback: Callback | None = None,
    stopwatch: Stopwatch | None = None,
    **options: Unpack[TrainKeywords],
) -> Run:
    """Train a detector from labelled pictures. Ctrl-C ends soundly, with what there is.

    Processes that `torchrun` started share the work; the metrics are then with the first one.

    Args:
        pictures: A folder with one folder per class; such folders under `train`, `val` and `test`;
            a table of them; or shards, here or at an address (see `read_catalog`). Pictures with
            boxes, in any form that `read_boxes` reads, give a detector that finds boxes.
        out: The run folder to make; by default `runs/NAME`.
        callback: Hears of progress; by default nobody does, and warnings go to Python's `warnings`.
        stopwatch: Counts the seconds of each part of the run; by default a new one.
        options: Those of `convlens train`, by name: `minutes`, `size`, `network`, `seed`, …

    Returns:
        The run, with a detector in its folder that was proven to answer as the network does.

    Raises:
        ConvlensError: The pictures cannot be read, or are too few; `UsageError` where an option is
            wrong.

    Examples:
        >>> run = convlens.train("pictures/", minutes=10, seed=1)  # doctest: +SKIP
        >>> run.test.accuracy, run.test.accuracy_interval  # doctest: +SKIP
        (0.985, (0.964, 0.994))
        >>> run.load().predict("photo.jpg").predicted  # doctest: +SKIP
        'cat'
    """
    typed = _from_any_folder(options_from(options))
    check_logs(typed.log)
    if recognise(pictures, reading_of(typed.data.boxes)) is not None:
        return _train_boxes(
            lambda: new_folder(pictures, out),
            begun=(pictures, typed),
            callback=callback,
            stopwatch=stopwatch,
        )
    request = Request(pictures, typed, choice=choose_network(typed.network))
    check_request(request)
    with init_distributed() as workers:
        path = workers.broadcast(lambda: str(new_folder(pictures, out)))
        return train_classes(
            request,
            RunFolder(Path(path)),
            workers=workers,
            callback=_heard_by(callback, workers),
            stopwatch=stopwatch or Stopwatch(),
        )


def _from_any_folder(options: TrainOptions) -> TrainOptions:
    """With paths from the root: a run is resumed and repeated in another folder, too."""
    background, teacher = options.data.background, options.teacher
    if background not in {None, CROPS_ONLY}:
        data = replace(options.data, background=absolute_url(str(background)))
        options = replace(options, data=data)
    for name in ("teacher", "unlabelled"):
        path = getattr(teacher, name)
        changed: dict[str, Any] = {name: path if path is None else absolute_url(path)}
        teacher = replace(teacher, **changed)
    return replace(options, teacher=teacher)


def resume(
    run: str | Path, *, callback: Callback | None = None, stopwatch: Stopwatch | None = None
) -> Run:
    """Go on with a run that was stopped, from its last checkpoint to the end of its plan.

    It ends in the same bytes as if it had never been stopped.

    Args:
        run: The folder of the run, whose `run.json` has the pictures, the options and the plan.
        callback: As for `train`.
        stopwatch: Counts the seconds of each part from now on; by default a new one.

    Returns:
        The run, as `train` returns it.

    Raises:
        ConvlensError: It is no run's folder, or the pictures have changed.

    Examples:
        >>> run = convlens.resume("runs/pictures")  # doctest: +SKIP
    """
    folder = RunFolder(given_path(run))
    with init_distributed() as workers:
        task = workers.broadcast(lambda: folder.task)  # others need not have the folder
    if task == "boxes":
        return _train_boxes(lambda: folder.path, callback=callback, stopwatch=stopwatch)
    with init_distributed() as workers:
        request, plan = folder.recorded(workers)
        return train_classes(
            request,
            folder,
            workers=workers,
            callback=_heard_by(callback, workers),
            stopwatch=stopwatch or Stopwatch(),
            plan=plan,
        )


def repeat(
    run: str | Path,
    out: str | Path | None = None,
    *,
    callback: Callback | None = None,
    stopwatch: Stopwatch | None = None,
) -> Run:
    """Train again as a run was trained: the same pictures, options, threads, and steps.

    On the same machine, with the same versions, it ends in the same bytes, also where the clock had
    decided about the steps on the way: the record of the run has all that was decided.

    Args:
        run: The folder of the run, whose `run.json` is its record.
        out: The run folder to make; by default `runs/NAME`.
        callback: As for `train`.
        stopwatch: Counts the seconds of each part; by default a new one.

    Returns:
        The new run, as `train` returns it.

    Raises:
        ConvlensError: It is no run's folder, or the pictures have changed.

    Examples:
        >>> again = convlens.repeat("runs/pictures")  # doctest: +SKIP
    """
    recorded = RunFolder(given_path(run))
    with init_distributed() as workers:

        def begin() -> str:
            record = recorded.read()
            with sound_record(recorded.path / "run.json"):
                pictures = str(record["pictures"])
            folder = RunFolder(new_folder(pictures, out))
            folder.repeat(recorded)
            return str(folder.path)

        path = workers.broadcast(begin)
    return resume(path, callback=callback, stopwatch=stopwatch)


def _train_boxes(
    folder: Callable[[], Path],
    *,
    begun: tuple[str | Path, TrainOptions] | None = None,
    callback: Callback | None,
    stopwatch: Stopwatch | None,
) -> Run:
    """Where pictures come with boxes: these pictures and options, or those of the folder's record.

    The first worker makes the folder.
    """
    from .boxes.job import check_options
    from .boxes.run import BoxRequest, train_boxes  # brings torchvision

    if begun is not None:
        check_options(begun[1])
    with init_distributed() as workers:
        path = RunFolder(Path(workers.broadcast(lambda: str(folder()))))
        request = BoxRequest(*begun) if begun else BoxRequest.recorded(path, workers)
        return train_boxes(
            request,
            path,
            workers=workers,
            callback=_heard_by(callback, workers),
            stopwatch=stopwatch or Stopwatch(),
        )


def _heard_by(callback: Callback | None, workers: Workers) -> Callback:
    """The first worker tells of progress; warnings go to Python's where nobody else hears them."""
    return (callback or WarningCallback()) if workers.first else NullCallback()
