"""Long jobs that can be stopped at any moment and gone on with, to the same bits.

- ``state_file``     what such a loop needs to go on, in a file of tensors that notices when it is damaged
- ``job``            the state of a job beside its output: when it is saved, who may go on with it, and its end
- ``lock``           one process at a time makes an output
- ``signals``        signals that ask it to end
- ``progress_bar``   how far it is, in a terminal or a log
- ``run_lock``       one run at a time in a folder
- ``cluster_queue``  jobs of an earlier run that still stand in the queue of Slurm
"""
