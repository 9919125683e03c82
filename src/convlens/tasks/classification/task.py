"""One class for each picture."""

from . import evaluation, labels, prediction, report, table
from .rule import read_rule


class Classification:
    """Each picture is of one of several classes."""

    outputs = prediction.OUTPUTS
    classes = staticmethod(labels.classes_of)
    targets = staticmethod(labels.class_indices)
    rule = staticmethod(read_rule)
    predict = staticmethod(prediction.predict)
    evaluate = staticmethod(evaluation.evaluate)
    columns = staticmethod(table.columns)
    cells = staticmethod(table.cells)
    line = staticmethod(table.line)
    as_json = staticmethod(table.as_json)
    summary = staticmethod(evaluation.summary)
    report = staticmethod(report.report)
