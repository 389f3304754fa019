"""The balance lens: potentials, detailed balance, currents and traps of chains of states."""
