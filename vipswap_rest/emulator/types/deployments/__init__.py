"""Deployments of templates: `template` reads one, `expressions` computes, `run` makes its resources one by one."""
