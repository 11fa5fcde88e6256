"""The command ``symloss lint-objective``."""

from __future__ import annotations

import sys
from typing import Any

import click


@click.command("lint-objective")
@click.argument("objective", metavar="MODULE:FUNCTION")
@click.option("--loss", required=True, help="A loss of symloss.generated, or my_package.generated.NAME.")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the loss, or an array.")
@click.option("--classes", default=3, show_default=True, type=click.IntRange(2), help="For losses of a row of scores.")
def lint_objective(objective: str, loss: str, params: tuple[str, ...], classes: int) -> None:
    """Compare a hand-written objective of a booster with the derived gradient and Hessian.

    Says what is wrong in words, with the corrected line; exits with 1 if there is a mistake.  The function is
    f(targets, scores), with weights behind if it takes them, or f(scores, data).

    \b
    symloss lint-objective my_objectives:logistic --loss binary_cross_entropy_with_logits
    symloss lint-objective my_objectives:focal --loss focal_with_logits --param gamma=1.5
    """
    from symloss.lint.called import ObjectiveError
    from symloss.lint.judge import lint
    from symloss.lint.report import text_of

    function = _found(objective)
    try:
        report = lint(function, loss, dict(map(_parameter, params)), classes)
    except ObjectiveError as error:
        raise click.ClickException(f"{objective}: {error}") from None
    except (TypeError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(text_of(report, objective, loss))
    if report.mistakes:
        said = "1 mistake" if report.mistakes == 1 else f"{report.mistakes} mistakes"
        raise click.ClickException(f"{objective}: {said}")


def _found(objective: str) -> Any:
    """Import the function, from the folder where the command runs too."""
    from importlib import import_module

    module, _, name = objective.partition(":")
    if not module or not name:
        raise click.UsageError(f"expected MODULE:FUNCTION, got {objective!r}")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = import_module(module.removesuffix(".py"))
    except Exception as error:
        raise click.ClickException(f"{module} cannot be imported: {type(error).__name__}: {error}") from None
    for part in name.split("."):
        if not hasattr(found, part):
            raise click.ClickException(f"{module} has no {name}")
        found = getattr(found, part)
    if not callable(found):
        raise click.ClickException(f"{objective} is no function")
    return found


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    try:
        numbers = [float(part) for part in value.split(",")]
    except ValueError:
        numbers = []
    if not equals or not numbers:
        raise click.UsageError(f"--param: expected NAME=VALUE with a number, or several with commas, got {text!r}")
    return name, numbers if len(numbers) > 1 else numbers[0]
