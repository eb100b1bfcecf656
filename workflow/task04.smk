"""Five methods on a fold of real Task04 on equal budgets (results/task04 is fold 0), as a workflow.

    SCNAS_DATA=DIR snakemake --snakefile workflow/task04.smk --directory runs/task04 --cores 1 --rerun-incomplete --rerun-triggers mtime

Another fold is `--config fold=1`; its runs lie in fold1/, beside fold 0's in fold0/, and the brain is searched once.
Equal are patches, steps, augmentation, multiply-adds of a patch (within 10 %: peers and found cells by width, random cells by drawing) and the three learning
rates that are tried: each method gets the one that is best on an inner split of the fold's training part, after a third of the steps. SCNAS searches for this
choice on the inner split too. The fold's own cases are scored once a method and seed, at the end. One job at a time on all cores: two side by side would share the
caches, and get a third less done.
An output is an empty file below done/, so that a job that was killed goes on from the checkpoint in its run folder, as in workflow/Snakefile.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path


FOLD = int(config.get("fold", 0))
HERE = f"fold{FOLD}"
RATES = ["0.001", "0.003", "0.01"]
RUNS = {"scnas": [0, 1], "random": [0, 1], "transfer": [0], "uresnet": [0], "nnunet": [0]}
# What all are brought to: the multiply-adds of task04-laptop's cells at stem 16.
COST = 805369600

SCNAS = f"{shutil.which('node')} {Path(workflow.basedir).parent / 'src' / 'run' / 'bin.js'}"
SEARCH = "--config laptop --set search.steps=800 --set search.stepsPerEpoch=40"
TASK = f"--task Task04_Hippocampus {SEARCH} --fold {FOLD} --set match.multiplyAdds={COST} --set retrain.stepsPerEpoch=50 --set retrain.decay=0.94"
if not os.environ.get("SCNAS_DATA"):
    raise SystemExit("SCNAS_DATA: expected the folder with Task04_Hippocampus and Task01_BrainTumour")


wildcard_constraints:
    method="[a-z]+",
    rate="[0-9.]+",
    seed="[0-9]+",


def cells(method, search):
    """Where a run takes given cells from: the folder of a search, or nothing. SCNAS's own is named."""
    return {"transfer": "brain", "scnas": f"{HERE}/{search}"}.get(method)


def inner_cells(w):
    """Where the cells were searched with which a method's rates are tried."""
    return cells(w.method, "inner/search")


def found_cells(w):
    """Where the cells of a method's final run were searched."""
    return cells(w.method, f"search/seed{w.seed}")


def after(search):
    """What a run with the cells of a search waits for."""
    return [f"done/{search}"] if search else []


def stem_of(search):
    """The stem at which its cells come nearest to COST. Until they are there, Snakemake takes the missing input for "not known yet"."""
    os.stat(f"done/{search}")
    cost = f"cost --network scnas --genotype {search}/genotype.json --reach {COST / 1e9} --inputs 1 --classes 3 --patch 40,56,40 --json"
    return json.loads(subprocess.run([*SCNAS.split(), *cost.split()], capture_output=True, check=True).stdout)["width"]


def given(search):
    """The words that give a run the cells of a search, at the stem at which they come nearest to COST."""
    return f"--genotype {search}/genotype.json --set retrain.stem={stem_of(search)}" if search else ""


rule all:
    input:
        [f"done/{HERE}/final/{method}-seed{seed}" for method, seeds in RUNS.items() for seed in seeds],


rule search_brain:
    output:
        touch("done/brain"),
    shell:
        "{SCNAS} search --run brain --resume auto --task Task01_BrainTumour {SEARCH} --fold all "
        "--set patch=64,64,64 --set search.batch=1 --set search.microBatch=1 && {SCNAS} derive --run brain"


rule search_inner:
    output:
        touch(f"done/{HERE}/inner/search"),
    shell:
        "{SCNAS} search --run {HERE}/inner/search --resume auto {TASK} --inner && {SCNAS} derive --run {HERE}/inner/search"


rule search_fold:
    output:
        touch(f"done/{HERE}/search/seed{{seed}}"),
    shell:
        "{SCNAS} search --run {HERE}/search/seed{wildcards.seed} --resume auto {TASK} --seed {wildcards.seed} && {SCNAS} derive --run {HERE}/search/seed{wildcards.seed}"


rule try_rate:
    input:
        lambda w: after(inner_cells(w)),
    output:
        touch(f"done/{HERE}/inner/{{method}}-{{rate}}"),
    params:
        cells=lambda w: given(inner_cells(w)),
    shell:
        "{SCNAS} retrain --run {HERE}/inner/{wildcards.method}-{wildcards.rate} --resume auto {TASK} --inner "
        "--method {wildcards.method} {params.cells} --set retrain.steps=1000 --set retrain.adam.rate={wildcards.rate} "
        "&& {SCNAS} evaluate --run {HERE}/inner/{wildcards.method}-{wildcards.rate}"


rule choose:
    input:
        [f"done/{HERE}/inner/{{method}}-{rate}" for rate in RATES],
    output:
        f"{HERE}/rates/{{method}}.json",
    run:
        dice = {rate: json.loads(Path(f"{HERE}/inner/{wildcards.method}-{rate}/record.json").read_text())["dice"]["mean"] for rate in RATES}
        Path(output[0]).write_text(json.dumps({"rate": max(dice, key=dice.get), "dice": dice}, indent=2) + "\n")


def train(w):
    """A method's phases up to its weights, at the rate that it was given."""
    rate = json.loads(Path(f"{HERE}/rates/{w.method}.json").read_text())["rate"]
    run = f"--run {HERE}/final/{w.method}-seed{w.seed}"
    begin = f"{run} --resume auto {TASK} --seed {w.seed} --set retrain.steps=3000 --set retrain.adam.rate={rate}"
    return f"{SCNAS} retrain {begin} --method {w.method} {given(found_cells(w))}"


rule final:
    input:
        f"{HERE}/rates/{{method}}.json",
        lambda w: after(found_cells(w)),
    output:
        touch(f"done/{HERE}/final/{{method}}-seed{{seed}}"),
    params:
        train=train,
    shell:
        "{params.train} && {SCNAS} evaluate --run {HERE}/final/{wildcards.method}-seed{wildcards.seed}"
