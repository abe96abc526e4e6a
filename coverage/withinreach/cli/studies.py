"""Commands that work on a study: demo, check, run, map, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from withinreach.cli.group import JSON, OUT, STUDY, WORKERS, cli
from withinreach.cli.printing import (
    counted,
    grouped,
    population_lines,
    print_json,
    print_tables,
    records,
    summary,
)
from withinreach.cli.progress_bar import progress_bar

if TYPE_CHECKING:
    from withinreach.analysis import Result
    from withinreach.model import Case
    from withinreach.preparation import Examination
    from withinreach.study import Study

DEMO_STUDY = Path("data", "xinxiang-sample", "study.toml")
PREPARE_STEPS = 5


@cli.command()
@OUT
def demo(out: Path | None) -> None:
    """Run the embedded sample city and print where its map is."""
    if not DEMO_STUDY.is_file():
        from withinreach.sources.sample import write_sample

        click.echo(f"Writing the sample city to {DEMO_STUDY.parent} …", err=True)
        write_sample(DEMO_STUDY.parent)
    _run(DEMO_STUDY, out, None, as_json=False)


@cli.command()
@STUDY
@JSON
@click.option("--xlsx", type=click.Path(path_type=Path), help="Write every finding into this workbook.")
@click.option("--repair", type=click.Path(path_type=Path), help="Write what could be repaired into this new TOML file.")
def check(study: Path, xlsx: Path | None, repair: Path | None, *, as_json: bool) -> None:
    """Report every problem of the inputs at once, and what is doubtful in them; change nothing.

    Of what --repair writes keep what is to be done, and name the file in the study: repairs = "FILE".
    """
    from withinreach.errors import SourceError
    from withinreach.exports.findings import write_findings
    from withinreach.preparation import examine, write_repairs

    loaded = load(study)
    with progress_bar(loaded.name, PREPARE_STEPS) as step:
        found = examine(loaded, progress=step)
    if xlsx is not None:
        write_findings(found.findings, xlsx, loaded.language, loaded.as_of)
    if repair is not None:
        count = write_repairs(repair, loaded, found.proposed)
        click.echo(f"{repair}: {count} repairs proposed", err=True)
    if as_json:
        print_json(_examined(found))
    else:
        for line in grouped(found.findings):
            click.echo(line)
    if found.audit is None:
        raise SourceError(found.problems)
    if not as_json:
        for line in population_lines(found.audit.population):
            click.echo(line)
        click.echo(f"{study}: the inputs can be used; {counted(found.findings)}")


@cli.command()
@STUDY
@OUT
@WORKERS
@JSON
def run(study: Path, out: Path | None, workers: int | None, *, as_json: bool) -> None:
    """Measure a study: the map of all, for each county its map, coverage and GeoPackage, and a manifest."""
    _run(study, out, workers, as_json=as_json)


@cli.command(name="map")
@STUDY
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="A .html, .png or .svg file, or a folder for plates of everything; default maps/<name>.html.",
)
@click.option("--service", "services", multiple=True, help="Of plates: name of a service. Default: all.")
@click.option(
    "--county", "counties", multiple=True, help="Code of an area: its page, or its plates. Default: the whole."
)
def map_command(study: Path, output: Path | None, services: tuple[str, ...], counties: tuple[str, ...]) -> None:
    """Draw the gap map of a study as one HTML file that needs no network, or as plates for paper (PNG, SVG)."""
    loaded = load(study)
    target = output or Path("maps", f"{loaded.name}.html")
    if target.suffix.lower() != ".html":
        _plates(loaded, target, services, counties)
        return
    if services or len(counties) > 1:
        raise click.UsageError("several plates need -o FOLDER, one a name in .png or .svg; a page is of one --county")
    from withinreach.maps import draw_area, draw_map

    result = _shown(loaded)
    drawn = draw_area(result, counties[0]) if counties else draw_map(result)
    target.parent.mkdir(parents=True, exist_ok=True)
    drawn.save(str(target))
    click.echo(target)


def _shown(study: Study) -> Result:
    """What maps may show of a study: everything but protected groups."""
    from withinreach.errors import StudyError
    from withinreach.exports.disclosure import open_result

    result = open_result(measure(study))
    if result is None:
        raise StudyError(f"{study.name}: every population group is protected, so no map can be drawn; see [disclosure]")
    return result


def _plates(study: Study, target: Path, services: tuple[str, ...], counties: tuple[str, ...]) -> None:
    """Write one plate into a file, or one for every service and area into a folder."""
    from withinreach.maps.plates import Atlas, find_typeface, plate_path, write_plates

    find_typeface()
    names = services or tuple(name for name in study.services if name not in study.protected_services)
    for name in names:
        study.service(name)
    if target.suffix:
        path = plate_path(target)
        if len(names) > 1 or len(counties) > 1:
            raise click.UsageError(f"one file holds one plate; name one --service of {', '.join(names)}, one --county")
        Atlas(_shown(study)).plate(names[0], *counties).save(path)
    else:
        write_plates(Atlas(_shown(study)), target, names, counties)
    click.echo(target)


@cli.command()
@STUDY
@click.option("--county", "counties", multiple=True, help="Code of an area; may be given several times. Default: all.")
@OUT
@WORKERS
def export(study: Path, counties: tuple[str, ...], out: Path | None, workers: int | None) -> None:
    """Write what `run` writes, and for each county all there is: brief, maps, workbook, lists, geodata."""
    from withinreach.publishing import export as write
    from withinreach.publishing import open_crew, worth_folders
    from withinreach.publishing.briefing import look_for_supplies

    loaded = load(study)
    look_for_supplies(loaded)
    case = prepared(loaded)
    codes = counties or tuple(case.areas.table["code"])
    with open_crew(workers or worth_folders(len(codes))) as crew:
        result = analysed(case)
        with progress_bar(loaded.name, len(codes) + 1) as step:
            click.echo(write(result, out or Path("maps", loaded.name), county=codes, crew=crew, progress=step))


@cli.command()
@STUDY
@click.option("--service", required=True, help="Name of a service in the study.")
@click.option(
    "--minutes", multiple=True, type=float, default=(5, 10, 15), show_default=True, help="May be given several times."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="A .gpkg, .geojson or .parquet file."
)
def isochrones(study: Path, service: str, minutes: tuple[float, ...], output: Path) -> None:
    """Write the ground from which people walk to each facility of a service in so many minutes, as polygons."""
    from withinreach.catchments import trace_isochrones
    from withinreach.exports import layer_path, write_layer
    from withinreach.preparation import prepare

    target = layer_path(output)
    loaded = load(study)
    loaded.service(service)
    with progress_bar(loaded.name, PREPARE_STEPS + 2) as step:
        case = prepare(loaded, progress=step)
        step("isochrones")
        layer = trace_isochrones(case, service, minutes=minutes)
        step("writing")
        write_layer(layer, target, loaded.as_of)
    if not layer["snapped"].all():
        lost = layer.loc[~layer["snapped"], "facility"].nunique()
        click.echo(f"note: {lost} facilities without a street within {loaded.network.snap_cap_m:g} m", err=True)
    click.echo(target)


def _examined(found: Examination) -> dict[str, Any]:
    """Findings and problems, and what became of the people where a case could be made."""
    told = {"findings": records(found.findings), "problems": list(found.problems)}
    audit = found.audit
    if audit is None:
        return told | {"population": None, "factors": None, "masked": None}
    population = audit.population.to_dict(orient="index")
    return told | {"population": population, "factors": records(audit.factors), "masked": records(audit.masked)}


def load(path: Path) -> Study:
    """Read a study and the registers that it names, so that their problems are told before long work begins."""
    from withinreach.standards import load_registers
    from withinreach.study import load_study

    study = load_study(path)
    load_registers(study.registers)
    return study


def prepared(study: Study) -> Case:
    """Prepare a study behind a progress bar."""
    from withinreach.preparation import prepare

    with progress_bar(study.name, PREPARE_STEPS) as step:
        return prepare(study, progress=step)


def analysed(case: Case) -> Result:
    """Analyse a case behind a progress bar."""
    from withinreach.analysis import analyse

    with progress_bar(case.study.name, len(case.study.services)) as step:
        return analyse(case, progress=step)


def measure(study: Study) -> Result:
    """Prepare and analyse a study."""
    return analysed(prepared(study))


def _run(path: Path, out: Path | None, workers: int | None, *, as_json: bool) -> None:
    from withinreach.publishing import INDEX, open_crew, publish, worth_maps

    study = load(path)
    case = prepared(study)
    folder = out or Path("maps", study.name)
    with open_crew(workers or worth_maps(len(case.people))) as crew:
        result = analysed(case)
        with progress_bar(study.name, len(case.areas) + 1) as step:
            publish(result, folder, crew=crew, progress=step)
    if as_json:
        print_json(summary(result) | {"out": str(folder)})
    else:
        print_tables(result)
        click.echo(folder / INDEX)
