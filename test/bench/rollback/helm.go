package main

import "context"

func (st *stage) helm(context.Context, *baselines, string, sizes) error { return nil }
