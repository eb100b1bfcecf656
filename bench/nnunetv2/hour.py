"""nnU-Net v2 for a given time on the CPU: its planning, preprocessing, training, inference; what it reached goes to FILE as JSON.

default  its trainer as it stands (1000 epochs of 250 iterations at the planned batch), stopped when the time is up.
short    batch 2, and a rate that falls to 0 as (1 - time / limit)^0.9, so that the schedule ends with the time; 5 validation iterations an epoch.

The clock runs in training alone: not in preprocessing, and not in the inference at its end. bench/hour.ts calls this.
"""
import argparse
import json
import multiprocessing
import os
import time
from importlib.metadata import version
from pathlib import Path


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument('--work', type=Path, required=True, help='holds raw/DatasetNNN_NAME and splits_final.json')
    args.add_argument('--dataset', type=int, required=True)
    args.add_argument('--schedule', choices=['default', 'short'], required=True)
    args.add_argument('--minutes', type=float, required=True)
    args.add_argument('--threads', type=int, required=True)
    args.add_argument('--seed', type=int, default=0)
    args.add_argument('--out', type=Path, required=True, metavar='FILE')
    given = args.parse_args()
    for name in ('raw', 'preprocessed', 'results'):
        os.environ[f'nnUNet_{name}'] = str(given.work / name)
    os.environ['nnUNet_def_n_proc'] = str(given.threads)
    if given.schedule == 'short':
        os.environ['nnUNet_n_proc_DA'] = '1'  # more would take the cores from training

    import torch
    from batchgenerators.utilities.file_and_folder_operations import load_json

    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    folder = prepare(given)
    plans = {**load_json(str(folder / 'nnUNetPlans.json')), 'continue_training': False}
    trainer = trainer_class()(plans, '3d_fullres', 0, load_json(str(folder / 'dataset.json')), torch.device('cpu'))
    trainer.told(given)
    trainer.run_training()
    began = time.monotonic()
    trainer.perform_actual_validation(False)
    done = {
        'schedule': given.schedule,
        'minutes': given.minutes,
        'iterations': trainer.iterations,
        'seconds': round(trainer.seconds, 1),
        'inferenceSeconds': round(time.monotonic() - began, 1),
        'batch': trainer.configuration_manager.batch_size,
        'patch': [int(side) for side in trainer.configuration_manager.patch_size],
        'threads': given.threads,
        'lossByEpoch': [round(loss, 4) for loss in trainer.losses],
        'versions': {name: version(name) for name in ('nnunetv2', 'torch', 'numpy')},
        'predictions': str(Path(trainer.output_folder) / 'validation'),
    }
    partial = given.out.with_suffix('.partial')
    partial.write_text(json.dumps(done))
    partial.replace(given.out)


def prepare(given):
    """Fingerprint, plan and prepared cases, once; the folds are ours."""
    from nnunetv2.experiment_planning.plan_and_preprocess_api import extract_fingerprints, plan_experiments, preprocess
    from nnunetv2.utilities.dataset_name_id_conversion import convert_id_to_dataset_name

    folder = given.work / 'preprocessed' / convert_id_to_dataset_name(given.dataset)
    stamp = folder / 'prepared'
    if not stamp.exists():
        extract_fingerprints([given.dataset], num_processes=given.threads)
        plan_experiments([given.dataset])
        preprocess([given.dataset], configurations=['3d_fullres'], num_processes=[given.threads])
        stamp.write_text('')
    (folder / 'splits_final.json').write_text((given.work / 'splits_final.json').read_text())
    return folder


def trainer_class():
    import torch
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    class TimedTrainer(nnUNetTrainer):
        """nnUNetTrainer that stops with the time; `short` also bends batch and rate to it."""

        def told(self, given):
            self.limit = 60 * given.minutes
            self.short = given.schedule == 'short'
            self.iterations, self.seconds, self.losses = 0, 0.0, []
            if self.short:
                self.configuration_manager.configuration['batch_size'] = 2
                self.num_val_iterations_per_epoch = 5

        def run_training(self):
            self.on_train_start()
            began = time.monotonic()
            gone = lambda: (time.monotonic() - began) / self.limit
            while gone() < 1 and self.current_epoch < self.num_epochs:
                self.on_epoch_start()
                self.on_train_epoch_start()
                outputs, ended = self.part(gone)
                if outputs:
                    self.losses.append(sum(float(o['loss']) for o in outputs) / len(outputs))
                if ended:
                    break
                self.on_train_epoch_end(outputs)
                with torch.no_grad():
                    self.on_validation_epoch_start()
                    checks = [self.validation_step(next(self.dataloader_val)) for _ in range(self.num_val_iterations_per_epoch)]
                    self.on_validation_epoch_end(checks)
                self.on_epoch_end()
            self.seconds = time.monotonic() - began
            self.on_train_end()

        def part(self, gone):
            """An epoch's iterations, and whether the time ended within them."""
            outputs = []
            for _ in range(self.num_iterations_per_epoch):
                share = gone()
                if share >= 1:
                    return outputs, True
                if self.short:
                    for group in self.optimizer.param_groups:
                        group['lr'] = self.initial_lr * (1 - share) ** 0.9
                outputs.append(self.train_step(next(self.dataloader_train)))
                self.iterations += 1
                print(f"scnas {self.iterations} {min(1, gone()):.4f} {float(outputs[-1]['loss']):.4f}", flush=True)
            return outputs, False

    return TimedTrainer


if __name__ == '__main__':
    multiprocessing.freeze_support()
    main()
