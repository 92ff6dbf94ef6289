package rig

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Page reads a page.
func Page(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, response.Status)
	}
	return string(page), err
}

// OfReprise reads metrics of Reprise, which has been started.
func (r *Rig) OfReprise(ctx context.Context, names ...string) ([]float64, error) {
	page, err := Page(ctx, r.Metrics+"/metrics")
	if err != nil {
		return nil, fmt.Errorf("reading Reprise's metrics: %w", err)
	}
	return numbers(page, names)
}

// OfAPIServer reads metrics of the API server.
func (r *Rig) OfAPIServer(ctx context.Context, names ...string) ([]float64, error) {
	page, err := r.Raw.Discovery().RESTClient().Get().AbsPath("/metrics").Do(ctx).Raw()
	if err != nil {
		return nil, fmt.Errorf("reading the API server's metrics: %w", err)
	}
	return numbers(string(page), names)
}

func numbers(page string, names []string) ([]float64, error) {
	var values []float64
	for _, name := range names {
		value, err := Number(page, name)
		if err != nil {
			return nil, fmt.Errorf("reading metrics: %w", err)
		}
		values = append(values, value)
	}
	return values, nil
}

// Number is the number behind a name at the beginning of a line.
func Number(text, name string) (float64, error) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) >= 2 && words[0] == name {
			return strconv.ParseFloat(words[1], 64)
		}
	}
	return 0, fmt.Errorf("there is no %s", name)
}
